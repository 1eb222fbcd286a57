"""The broker: what the Celery app promises to a message, and how both clients reach Redis."""

import pytest
from kombu.transport.redis import Mutex
from redis.exceptions import ConnectionError as RedisConnectionError

from core.broker import (
    LANES,
    TRAINING_QUEUE,
    get_app,
    make_app,
    make_redis,
    make_training_app,
    queue_name,
)
from core.settings import Settings, get_settings


def test_each_lane_is_a_queue_that_needs_no_table_in_redis(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url)
    app = make_app(settings)

    for lane in LANES:
        with app.producer_or_acquire() as producer:
            queue = app.amqp.queues[queue_name(lane)]
            producer.publish({}, exchange="", routing_key=queue.routing_key, declare=[queue])

    assert sorted(make_redis(settings).keys()) == ["tickets.bulk", "tickets.live"]
    app.close()


def test_no_queue_but_the_lanes_is_consumed() -> None:
    assert set(make_app(Settings()).amqp.queues) == {"tickets.bulk", "tickets.live"}


def test_the_times_of_a_message_are_the_settings() -> None:
    app = make_app(Settings(hard_limit=40, visibility=80, model_load=200))

    conf = app.conf
    assert (conf.task_time_limit, conf.worker_proc_alive_timeout) == (40, 200)
    assert conf.broker_transport_options["visibility_timeout"] == 80


def test_a_message_stays_in_redis_until_its_task_has_ended() -> None:
    conf = make_app(Settings()).conf

    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, True)
    assert (conf.worker_prefetch_multiplier, conf.worker_concurrency) == (1, 1)
    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])


def test_a_process_has_one_app(monkeypatch: pytest.MonkeyPatch) -> None:
    get_settings.cache_clear()
    get_app.cache_clear()
    monkeypatch.setenv("PAIDAN_HARD_LIMIT", "41")

    assert get_app() is get_app()
    assert get_app().conf.task_time_limit == 41

    get_settings.cache_clear()
    get_app.cache_clear()


def test_a_client_connects_on_first_use(redis_url: str) -> None:
    client = make_redis(Settings(redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(RedisConnectionError):
        client.ping()

    assert make_redis(Settings(redis_url=redis_url)).ping()


def test_a_process_that_dies_while_it_gives_messages_back_holds_others_up_for_seconds(
    redis_url: str,
) -> None:
    connection = make_app(Settings(redis_url=redis_url)).connection_for_read()
    channel = connection.channel()

    # Given a process that began to give back what dead workers held, and died
    with channel.conn_or_acquire() as client:
        died = Mutex(client, channel.unacked_mutex_key, channel.unacked_mutex_expire)
        died.__enter__()

        # Then its lock ends well before the messages would be late
        left_s = client.pttl(channel.unacked_mutex_key) / 1000
    assert 0 < left_s <= Settings().visibility / 4
    connection.release()


def test_a_trainer_has_a_queue_and_keys_of_its_own(redis_url: str) -> None:
    app = make_training_app(Settings(redis_url=redis_url))

    assert set(app.amqp.queues) == {TRAINING_QUEUE}
    assert app.conf.task_default_queue == TRAINING_QUEUE
    options = app.conf.broker_transport_options
    ours = [options[f"unacked_{name}"] for name in ("key", "index_key", "mutex_key")]
    assert all(key.startswith("training.") for key in ours)
    app.close()
