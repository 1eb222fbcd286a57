"""The Redis users that docs/OPERATIONS.md lists can do what their part does, and no more."""

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection, Consumer
from sqlalchemy import select

from core.broker import (
    INGEST_STREAM,
    UNACKED_INDEX,
    make_app,
    make_redis,
    make_training_app,
    queue_name,
)
from core.publisher import Publisher, call_trainers
from core.settings import Settings
from db import Database
from db.models import Ticket
from producer.relay import Relay
from producer.submit import Submitter
from tests.support.cli import Cli
from tests.support.make import let_wait, new_ticket
from tests.support.processes import wait_until

GUIDE = Path(__file__).parents[2] / "docs" / "OPERATIONS.md"
SETTINGS_OF = Callable[[str], Settings]


@pytest.fixture
def admin(settings: Settings) -> "redis.Redis":
    return make_redis(settings)


@pytest.fixture
def settings_of(settings: Settings, admin: "redis.Redis") -> SETTINGS_OF:
    """Settings of a listed user; nobody else may do anything."""
    for line in re.findall(r"^user (.+)$", GUIDE.read_text("utf-8"), re.MULTILINE):
        admin.execute_command("ACL", "SETUSER", *line.replace("PASSWORD", "p@ss/w").split())
    address = settings.redis_address
    assert address.socket is not None

    def of(user: str) -> Settings:
        url = f"unix://{user}:p@ss/w@{address.socket}"
        return settings.model_copy(update={"redis_url": url, "relay_sweep": 0.1})

    return of


def denied(admin: "redis.Redis") -> list[Any]:
    return [(entry["username"], entry["object"]) for entry in admin.acl_log()]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_part_works_under_its_user(
    database: Database,
    settings_of: SETTINGS_OF,
    admin: "redis.Redis",
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given tickets by a file's producer and by the stream, one entry of it bad, and a lost message
    desk = settings_of("desk")
    Submitter(database, Publisher(desk), ()).submit([new_ticket(1, lane="live")])
    intake = make_redis(settings_of("intake"))
    intake.xadd(INGEST_STREAM, {"external_id": "s7", "text": "路灯坏了"})
    intake.xadd(INGEST_STREAM, {"nothing": "of use"})
    Submitter(database, Publisher(desk), ()).submit([new_ticket(2)])
    admin.delete(queue_name("bulk"))
    let_wait(database)

    # When the relay works, and the state is asked for
    relay, stop = (
        Relay(database, Publisher(settings_of("relay")), settings_of("relay")),
        threading.Event(),
    )
    running = threading.Thread(target=relay.run, args=(stop,))
    running.start()
    try:
        wait_until(lambda: admin.xlen(INGEST_STREAM) == 0, 10, "the stream is read")
        wait_until(lambda: admin.llen(queue_name("bulk")) > 0, 10, "what was lost is published")
    finally:
        stop.set()
        running.join(20)
        assert denied(admin) == []
    for name, value in desk.as_environment().items():
        monkeypatch.setenv(name, value)
    status = cli("status")

    # Then nothing was denied, and a worker gets all of it, gives back, and finds what was lost
    assert status.code == 0, status.err
    with database.reading() as session:
        assert set(session.scalars(select(Ticket.external_id))) == {"t1", "t2", "s7"}
    assert denied(admin) == []
    app = make_app(settings_of("worker"))
    with app.connection_for_read() as connection:
        consume(connection, list(app.amqp.queues.consume_from.values()), admin)
    assert denied(admin) == []
    for _ in range(2):
        call_trainers(desk)
    training = make_training_app(settings_of("trainer"))
    with training.connection_for_read() as connection:
        queues = list(training.amqp.queues.consume_from.values())
        consume(connection, queues, admin, "training.unacked_index")
    assert denied(admin) == []
    assert admin.keys("*") != []
    assert [
        key for key in admin.keys("*") if not str(key).startswith(("tickets.", "training"))
    ] == []


def consume(
    connection: Connection, queues: list[Any], admin: "redis.Redis", held_in: str = UNACKED_INDEX
) -> None:
    """Take a message and acknowledge it, give one back, and restore one whose worker is gone."""
    channel = connection.default_channel
    channel.qos.prefetch_count = 1
    got: list[Any] = []
    with Consumer(
        channel, queues, callbacks=[lambda _body, message: got.append(message)], accept=["json"]
    ):
        while len(got) < 1:
            connection.drain_events(timeout=5)
        got[0].ack()
        while len(got) < 2:
            connection.drain_events(timeout=5)
        got[1].reject(requeue=True)
        while len(got) < 3:
            connection.drain_events(timeout=5)
        held: Any = admin.zrange(held_in, 0, -1)
        assert held
        admin.zadd(held_in, dict.fromkeys(held, 1.0))
        channel.qos.restore_visible()
        assert admin.zcard(held_in) == 0


BEYOND: dict[str, list[Callable[["redis.Redis"], object]]] = {
    "intake": [
        lambda client: client.lpush("tickets.live", "x"),
        lambda client: client.xrange("tickets.ingest"),
    ],
    "desk": [lambda client: client.brpop("tickets.live", timeout=1)],
    "worker": [
        lambda client: client.xadd("tickets.ingest", {"text": "x"}),
        lambda client: client.set("elsewhere", "x"),
    ],
    "trainer": [
        lambda client: client.lrange("tickets.live", 0, -1),
        lambda client: client.lpush("tickets.bulk", "x"),
    ],
    "relay": [
        lambda client: client.flushall(),
        lambda client: client.config_get("requirepass"),
        lambda client: client.get("elsewhere"),
    ],
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_user_may_do_more(settings_of: SETTINGS_OF) -> None:
    for user, attempts in BEYOND.items():
        client = make_redis(settings_of(user))
        for attempt in attempts:
            with pytest.raises(redis.exceptions.NoPermissionError):
                attempt(client)
