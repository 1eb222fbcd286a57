"""A running relay: what one step meets, the others do not suffer from."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, text

from core.broker import INGEST_STREAM, queue_name
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from db.models import Ticket
from producer.relay import Relay
from producer.submit import Submitter
from tests.support.make import add_tickets, claim_batch, let_wait, messages, new_ticket
from tests.support.processes import wait_until
from tests.support.streams import TicketStream, rows


@pytest.fixture
def relay(database: Database, publisher: Publisher, settings: Settings) -> Relay:
    """A relay that sweeps all the time."""
    return Relay(database, publisher, settings.model_copy(update={"relay_sweep": 0.05}))


@contextmanager
def running(relay: Relay) -> Iterator[threading.Thread]:
    """Run the relay in a thread; it must end when told to."""
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield thread
        assert thread.is_alive(), "the relay ended by itself"
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def claim_token(database: Database, ticket: int) -> str | None:
    with database.reading() as session:
        return session.get_one(Ticket, ticket).claim_token


def rename(database: Database, before: str, after: str) -> None:
    with database.writing() as session:
        session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))


def test_a_running_relay_sweeps_and_takes_in_the_stream(
    relay: Relay, database: Database, publisher: Publisher
) -> None:
    [lost] = add_tickets(database, 1)
    let_wait(database)
    redis: Any = publisher.redis
    redis.xadd(INGEST_STREAM, {"external_id": "streamed", "text": "漏水"})

    with running(relay):
        wait_until(
            lambda: publisher.depth("bulk") == publisher.depth("live") == 1, 20, "a message a lane"
        )

    assert messages(publisher, "bulk") == [[lost]]
    assert messages(publisher, "live") != [[lost]]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 2


@pytest.mark.parametrize("fault", ["database", "none"])
def test_after_a_database_fault_workers_get_time_to_give_their_claims_back(
    database: Database,
    publisher: Publisher,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    patient = settings.model_copy(update={"relay_sweep": 0.05, "heartbeat": 300.0})
    relay = Relay(database, publisher, patient)
    [expired] = add_tickets(database, 1)
    claim_batch(database, seconds=-1)

    if fault == "database":
        rename(database, "tickets", "away")
    with running(relay):
        if fault == "database":
            wait_until(lambda: "waiting for database and Redis" in caplog.text, 20, "the fault")
            rename(database, "away", "tickets")
        Submitter(database, publisher, ()).submit([new_ticket(2)])
        publisher.redis.delete(queue_name("bulk"))
        let_wait(database)
        wait_until(lambda: publisher.depth("bulk") == 1, 20, "another sweep")

    freed = claim_token(database, expired) is None
    assert freed == (fault == "none")


def test_a_running_relay_outlives_the_loss_of_redis_data(
    database: Database, publisher: Publisher, settings: Settings
) -> None:
    relay = Relay(database, publisher, settings.model_copy(update={"relay_sweep": 0.05}))
    redis: Any = publisher.redis

    with running(relay):
        for number in range(3):
            redis.flushall()
            redis.xadd(INGEST_STREAM, {"external_id": str(number), "text": "漏水"})
            wait_until(lambda: redis.xlen(INGEST_STREAM) == 0, 20, "the entry is taken in")

    with database.reading() as session:
        assert sorted(session.scalars(select(Ticket.external_id))) == ["0", "1", "2"]


def refuse_updates(database: Database) -> None:
    """Let the database take new rows and say of every other change that its disk is full."""
    if database.engine.dialect.name == "sqlite":
        full = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        statements = [f"CREATE TRIGGER full BEFORE UPDATE ON tickets {full}"]
    else:
        raising = "BEGIN RAISE 'disk is full' USING ERRCODE = 'disk_full'; END"
        statements = [
            f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $${raising}$$",
            (
                "CREATE TRIGGER full_disk BEFORE UPDATE ON tickets"
                " FOR EACH ROW EXECUTE FUNCTION full_disk()"
            ),
        ]
    with database.writing() as session:
        for statement in statements:
            session.execute(text(statement))


def test_a_full_redis_is_emptied_and_then_all_is_published(
    relay: Relay, database: Database, publisher: Publisher, stream: TicketStream
) -> None:
    """Too full for the consumer group, even."""
    [waits, expired] = add_tickets(database, 2)
    claim = claim_batch(database, own=[expired], seconds=-1)
    assert claim.ids
    let_wait(database)
    for number in range(60):
        stream.add(external_id=f"s{number}", text="漏水" * 10_000)
    stream.fill()

    with running(relay):
        wait_until(lambda: stream.redis.xlen(INGEST_STREAM) == 0, 20, "the stream is empty")
        wait_until(lambda: claim_token(database, expired) is None, 20, "the claim is freed")
        let_wait(database)
        wait_until(lambda: publisher.depth("live") > 0, 20, "messages")

    assert len(rows(database)) == 62
    assert stream.rejects() == []
    assert waits in [i for ids in messages(publisher, "bulk") for i in ids]


LANE = queue_name("live")
FAULTS: dict[str, Callable[[TicketStream], object]] = {
    "a lane of another type": lambda s: s.redis.set(LANE, "x"),
    "a lane that may not be written": lambda s: s.redis.execute_command(
        "ACL SETUSER", "default", "resetkeys", f"%R~{LANE}*", "~tickets.bulk*", "~tickets.ingest*"
    ),
    "a replica": lambda s: s.redis.replicaof("127.0.0.1", "1"),
    "a stream of another type": lambda s: s.redis.set(INGEST_STREAM, "x"),
    "no scripts allowed": lambda s: s.redis.execute_command("ACL SETUSER", "default", "-eval"),
}
WORKS = {
    "a lane of another type": {"bulk", "stream"},
    "a lane that may not be written": {"bulk", "stream"},
    "a replica": set[str](),
    "a stream of another type": {"bulk", "live"},
    "no scripts allowed": {"bulk", "live"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_redis_refuses_to_one_step_leaves_the_others_alone(
    relay: Relay, database: Database, publisher: Publisher, stream: TicketStream, fault: str
) -> None:
    [expired] = add_tickets(database, 1)
    claim_batch(database, seconds=-1)
    Submitter(database, publisher, ()).submit([new_ticket(2), new_ticket(3, lane="live")])
    publisher.redis.delete(queue_name("bulk"), LANE)
    let_wait(database)
    if fault != "a stream of another type":
        stream.add(external_id="streamed", text="漏水")
    FAULTS[fault](stream)

    with running(relay):
        wait_until(lambda: claim_token(database, expired) is None, 20, "the claim is freed")
        if "stream" in WORKS[fault]:
            wait_until(lambda: "streamed" in rows(database), 20, "the entry is stored")
        for lane in {"live", "bulk"} & WORKS[fault]:
            wait_until(lambda: bool(messages(publisher, lane)), 20, lane)  # noqa: B023


def test_a_disk_that_is_full_for_one_step_leaves_the_others_alone(
    relay: Relay, database: Database, publisher: Publisher, stream: TicketStream
) -> None:
    [expired] = add_tickets(database, 1)
    claim_batch(database, seconds=-1)
    Submitter(database, publisher, ()).submit([new_ticket(2)])
    publisher.redis.delete(queue_name("bulk"))
    let_wait(database)
    refuse_updates(database)
    stream.add(external_id="streamed", text="漏水")

    with running(relay):
        wait_until(lambda: "streamed" in rows(database), 20, "the entry is stored")
        wait_until(lambda: bool(messages(publisher, "bulk")), 20, "a message")

    assert claim_token(database, expired) is not None


def test_a_lasting_fault_is_logged_when_it_begins_and_when_it_ends(
    relay: Relay,
    database: Database,
    publisher: Publisher,
    stream: TicketStream,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    stream.redis.set(LANE, "x")
    stream.redis.set(INGEST_STREAM, "x")

    def told(message: str) -> list[tuple[Any, Any]]:
        found = [r for r in caplog.records if r.getMessage() == message]
        return sorted((vars(r)["step"], vars(r).get("error")) for r in found)

    def refusals() -> int:
        counts = stream.redis.info("errorstats").get("errorstat_WRONGTYPE", {"count": 0})
        return int(counts["count"])

    with running(relay):
        wait_until(lambda: refusals() >= 10, 20, "ten tries")
        stream.redis.delete(LANE, INGEST_STREAM)
        wait_until(lambda: len(told("works again")) == 2, 20, "the end of both faults")

    begun = told("waiting for database and Redis")
    assert [step for step, _ in begun] == ["publish live", "take in the stream"]
    assert all("WRONGTYPE" in error for _, error in begun)
    assert told("works again") == [("publish live", None), ("take in the stream", None)]
