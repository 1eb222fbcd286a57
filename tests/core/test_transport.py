"""The transport forgets a message whatever Redis says, in this process, against a real Valkey."""

from collections.abc import Callable, Iterator

import pytest
from kombu.transport import virtual

from core.broker import UNACKED, UNACKED_INDEX, make_app, queue_name
from core.publisher import Publisher
from core.settings import Settings
from core.transport import Channel, Connection, Transport
from tests.support.make import messages
from tests.support.redis_process import RedisProcess

Handling = Callable[[virtual.Message], object]

HANDLINGS: dict[str, Handling] = {
    "ack": lambda message: message.ack(),
    "reject": lambda message: message.reject(),
    "requeue": lambda message: message.requeue(),
}


@pytest.fixture(params=["tcp", "unix"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisProcess]:
    with RedisProcess(tcp=request.param == "tcp") as process:
        yield process


@pytest.fixture
def channel(redis: RedisProcess) -> Iterator[Channel]:
    connection = make_app(Settings(redis_url=redis.url)).connection_for_read()
    assert isinstance(connection, Connection)
    assert isinstance(connection.transport, Transport)
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    yield channel
    channel.qos.restore_at_shutdown = False
    connection.release()


def take(redis: RedisProcess, channel: Channel) -> virtual.Message:
    """Publish a message and take it."""
    Publisher(Settings(redis_url=redis.url)).publish({"bulk": [1]})
    message = channel.basic_get(queue_name("bulk"))
    assert message is not None
    assert not channel.qos.can_consume()
    return message


@pytest.mark.parametrize("name", HANDLINGS)
def test_a_message_is_forgotten_though_redis_is_away(
    redis: RedisProcess, channel: Channel, name: str
) -> None:
    message = take(redis, channel)
    redis.kill()

    HANDLINGS[name](message)

    assert channel.qos.can_consume()


@pytest.mark.parametrize("name", HANDLINGS)
def test_a_message_of_a_closed_connection_is_forgotten_without_an_error(
    redis: RedisProcess, channel: Channel, name: str
) -> None:
    message = take(redis, channel)
    channel.close()

    HANDLINGS[name](message)

    assert len(messages(Publisher(Settings(redis_url=redis.url)), "bulk")) == 1  # given back


@pytest.mark.parametrize("name", HANDLINGS)
def test_a_redis_that_is_full_keeps_no_message_from_being_worked_on(
    redis: RedisProcess, channel: Channel, name: str
) -> None:
    # Given a message that waits in a Redis which fills up
    publisher = Publisher(Settings(redis_url=redis.url))
    publisher.publish({"bulk": [1]})
    publisher.redis.config_set("maxmemory", 1)

    # When it is taken, which Redis will not note
    message = channel.basic_get(queue_name("bulk"))

    # Then it is in hand, and done with like any other
    assert message is not None
    assert not channel.qos.can_consume()
    HANDLINGS[name](message)
    assert channel.qos.can_consume()


@pytest.mark.parametrize(
    "left", [b"no JSON", b"[]", b'[1, "", ""]', b"null", "半".encode("gb18030")]
)
def test_what_a_dead_worker_cannot_have_left_keeps_nothing_from_coming_back(
    redis: RedisProcess, channel: Channel, left: bytes
) -> None:
    # Given a message that a dead worker left, behind one that is none
    take(redis, channel)
    publisher = Publisher(Settings(redis_url=redis.url))
    [tag] = publisher.redis.zrange(UNACKED_INDEX, 0, -1)
    publisher.redis.zadd(UNACKED_INDEX, {tag: 1.0, "garbage": 2.0})
    publisher.redis.hset(UNACKED, "garbage", left)  # type: ignore[arg-type]  # bytes are fine

    # When what is long unacknowledged is put back
    channel.qos.restore_visible(num=10)

    # Then the message is, and the other is gone
    assert messages(publisher, "bulk") == [[1]]
    assert publisher.redis.zcard(UNACKED_INDEX) == 0


def test_it_connects_again_every_few_seconds_however_long_redis_is_away(
    redis: RedisProcess,
) -> None:
    connection = make_app(Settings(redis_url=redis.url)).connection_for_read()
    redis.kill()
    waits: list[float] = []

    class Enough(Exception):  # noqa: N818
        pass

    def told(_error: Exception, wait: float) -> None:
        waits.append(wait)
        if len(waits) == 20:
            raise Enough

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kombu.utils.functional.sleep", lambda _: None)
        with pytest.raises(Enough):
            connection.ensure_connection(told)

    assert max(waits) <= 5
