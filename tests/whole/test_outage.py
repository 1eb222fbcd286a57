"""What an outage of Redis, or garbage in it, does to a real worker: nothing for long."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.broker import UNACKED, make_redis, queue_name
from core.publisher import Publisher
from core.settings import Settings
from db import Database, workers
from db.models import Status, Ticket
from tests.support.make import add_tickets, add_units, promote_constant
from tests.support.processes import wait_until, worker
from tests.support.redis_process import RedisProcess

pytestmark = pytest.mark.kill


@pytest.fixture
def redis(request: pytest.FixtureRequest) -> Iterator[RedisProcess]:
    with RedisProcess(tcp=request.param == "tcp") as process:
        yield process


@pytest.fixture
def outage_settings(redis: RedisProcess, database: Database, tmp_path: Path) -> Settings:
    """Tasks of half a second, so that one ends in every outage."""
    given = Settings(
        home=tmp_path / "home",
        database_url=database.engine.url.render_as_string(hide_password=False),
        redis_url=redis.url,
        task_loop=0.5,
        message_ids=20,
        max_batch=20,
    )
    add_units(database)
    promote_constant(database, given.resolved_models_dir)
    return given


@pytest.fixture
def beating(settings: Settings, database: Database) -> Settings:
    """Settings of a worker that has a model and tells at once what it drops."""
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    return settings.model_copy(update={"heartbeat": 0.2})


def left(database: Database) -> int:
    with database.reading() as session:
        query = select(func.count()).select_from(Ticket).where(Ticket.status == Status.QUEUED)
        return session.scalar(query) or 0


def end_a_task_without_redis(database: Database, redis: RedisProcess, lane: str = "bulk") -> None:
    """Take Redis away while a task runs, and bring it back when the task has ended."""
    before = redis.messages(lane)
    wait_until(lambda: redis.messages(lane) < before, 20, "a message is taken")
    redis.stop()
    # The task goes on with what the database holds, until its half second is over.
    count = left(database)
    wait_until(lambda: left(database) < count, 20, "the task works without Redis")
    count = -1

    def rests() -> bool:
        nonlocal count
        before, count = count, left(database)
        return before == count

    wait_until(rests, 20, "the task's end", pause=1.0)
    redis.start()


# ``make outage`` tries every pair of database and way to Redis.
@pytest.mark.parametrize(("database_url", "redis"), [("sqlite", "unix")], indirect=True)
def test_a_task_that_ends_while_redis_is_away_does_not_silence_its_worker(
    database: Database, outage_settings: Settings, redis: RedisProcess, tmp_path: Path
) -> None:
    ids = add_tickets(database, 2000)
    Publisher(outage_settings).publish({"bulk": ids})

    with worker(outage_settings, tmp_path / "worker.log", "paced"):
        end_a_task_without_redis(database, redis)
        waiting = left(database)
        assert waiting > 0
        wait_until(lambda: left(database) < waiting, 15, "the worker goes on")


@pytest.mark.parametrize(("database_url", "redis"), [("postgresql", "tcp")], indirect=True)
def test_the_watchdog_alone_ends_the_silence(
    database: Database, outage_settings: Settings, redis: RedisProcess, tmp_path: Path
) -> None:
    """With the transport as kombu has it, which falls silent."""
    quick = outage_settings.model_copy(update={"stall": 2.0})
    ids = add_tickets(database, 2000)
    Publisher(quick).publish({"bulk": ids})
    log = tmp_path / "worker.log"

    with worker(quick, log, "paced", TEST_TRANSPORT="kombu"):
        end_a_task_without_redis(database, redis)
        waiting = left(database)
        wait_until(lambda: left(database) < waiting, 2 + 15, "the worker goes on")

    assert "connects anew" in log.read_text()


def envelope(body: Any, /, **changes: Any) -> dict[str, Any]:
    """A message as Celery writes it, with something else in it."""
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    message: dict[str, Any] = {
        "body": encoded,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": "worker.tasks.classify", "id": "1"},
        "properties": properties("1"),
    }
    return message | changes


def properties(tag: str) -> dict[str, Any]:
    return {
        "delivery_info": {"exchange": "", "routing_key": "tickets.bulk"},
        "delivery_tag": tag,
        "body_encoding": "base64",
    }


EMBEDDED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
GARBAGE: list[bytes] = [
    b"no JSON",
    "半个".encode("gb18030"),
    b"[" * 100_000,
    *(
        json.dumps(each).encode()
        for each in (
            [1, 2],
            "text",
            17,
            None,
            {},
            {"__type__": "datetime", "__value__": "yesterday"},
            envelope([[[1], "bulk"], {}, EMBEDDED], body="%%%"),
            envelope("text"),
            envelope([["1", "bulk"], {}, EMBEDDED]),
            envelope([[["1"], "bulk"], {}, EMBEDDED]),
            envelope([[[True, 2**70], "bulk"], {}, EMBEDDED]),
            envelope([[[1], "fast"], {}, EMBEDDED]),
            envelope([[[1], ["bulk"]], {}, EMBEDDED]),
            envelope([[[1], "bulk"], {"lane": "bulk"}, EMBEDDED]),
            envelope([[[1], "bulk"], {}, EMBEDDED | {"chain": [{"task": "os.system"}]}]),
            envelope([[[1], "bulk"], {}, EMBEDDED], headers={"task": "os.system", "id": "1"}),
            envelope([[[1], "bulk"], {}, EMBEDDED], headers={"task": ["x"], "id": "1"}),
            envelope(
                [[[1], "bulk"], {}, EMBEDDED],
                headers={"task": "worker.tasks.classify", "id": "1", "eta": "2999-01-01T00:00:00"},
            ),
            envelope([[[1], "bulk"], {}, EMBEDDED], headers="text"),
            envelope([[[1], "bulk"], {}, EMBEDDED], properties={}),
            envelope([[[1], "bulk"], None, EMBEDDED]),
            envelope([[[1], "bulk"], {}, EMBEDDED | {"get": None}]),
            envelope([[[1], "bulk"], {}, {"__type__": "", "__value__": ""}]),
            envelope([[[1], "bulk"], {}, EMBEDDED], properties=properties("half \ud800")),
        )
    ),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_message_of_ours_is_dropped_and_counted(
    database: Database, beating: Settings, tmp_path: Path
) -> None:
    # Given garbage of every kind before a lane's only message
    ids = add_tickets(database, 3)
    client = make_redis(beating)
    for each in GARBAGE:
        client.lpush(queue_name("bulk"), each)
    Publisher(beating).publish({"bulk": ids})
    log = tmp_path / "worker.log"

    with worker(beating, log) as process:
        # When a worker works off the lane
        wait_until(lambda: left(database) == 0, 30, "the message behind it")

        # Then all of it is counted, and the same process lives
        def dropped() -> int:
            with database.reading() as session:
                return sum(each.dropped for each in workers.list_workers(session))

        wait_until(lambda: dropped() == len(GARBAGE), 10, "the count")
        assert process.popen is not None
        assert process.popen.poll() is None
    assert "no JSON" not in log.read_text()
    assert "yesterday" not in log.read_text()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_headers_that_no_publisher_of_ours_sets_are_not_obeyed(
    database: Database, beating: Settings, tmp_path: Path
) -> None:
    # Given a sound message with headers that Celery, or its child, would act on
    ids = add_tickets(database, 3)
    chained = {"task": "worker.tasks.classify", "args": [ids, "bulk"], "options": {"queue": "x"}}
    headers = {"task": "worker.tasks.classify", "id": "1", "chain": [chained], "get": 1}
    headers |= {"update": "x", "compression": "zlib", "shadow": [1], "argsrepr": "half \ud800"}
    client = make_redis(beating)
    message = envelope([[ids, "bulk"], {}, EMBEDDED], headers=headers)
    client.lpush(queue_name("bulk"), json.dumps(message))

    with worker(beating, tmp_path / "worker.log") as process:
        # When a worker takes it
        wait_until(lambda: left(database) == 0, 30, "the message")

        # Then its tickets alone are worked off
        wait_until(lambda: not client.exists(UNACKED), 10, "the message's end")
        assert process.popen is not None
        assert process.popen.poll() is None
    assert not client.exists("x")
