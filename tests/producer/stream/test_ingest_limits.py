"""The stream under strain: large entries, a full Redis, entries that no database takes."""

import tracemalloc
from typing import Any

import pytest
from sqlalchemy import text

from core.broker import INGEST_GROUP, INGEST_STREAM
from core.errors import RecordRefusedError
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from producer.stream import ingest
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from tests.support.streams import TicketStream, rows

MB = 1_000_000


def test_a_batch_ends_where_its_bytes_do(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    for number in range(12):
        stream.add(external_id=str(number), text="漏水", memo="x" * MB)

    taken = [relay.step(0), relay.step(0), relay.step(0)]

    assert taken == [9, 3, 0]  # 8 MiB and the entry that exceeds it
    assert len(rows(database)) == 12


def test_a_giant_entry_is_refused_without_being_fetched(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(json='{"external_id": "1", "text": "' + "x" * 30 * MB + '"}')
    stream.add(external_id="good", text="漏水")

    tracemalloc.start()
    try:
        assert relay.step(0) == 2
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 10 * MB
    assert set(rows(database)) == {"good"}
    [reject] = stream.rejects()
    assert reject["rejected_reason"].startswith("entry: 30,0")
    assert len(reject["json"]) < 4000


def test_an_entry_of_thousands_of_fields_is_a_ticket(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="1", text="漏水", **{f"field{n}": "" for n in range(4000)})

    assert relay.step(0) == 1

    assert len(rows(database)["1"].meta) == 4000


def test_an_entry_deleted_while_it_was_pending_is_forgotten(
    relay: Ingest,
    other: Ingest,
    stream: TicketStream,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deleted = stream.add(external_id="1", text="漏水")
    stream.add(external_id="2", text="漏水")
    assert len(other._read("unread")) == 2
    stream.redis.xdel(INGEST_STREAM, deleted)
    monkeypatch.setattr(ingest, "_TAKE_OVER_AFTER_MS", 0)

    assert relay.step(0) == 1

    assert list(rows(database)) == ["2"]
    assert stream.left() == (0, 0)


def test_a_group_that_somebody_destroyed_is_made_again(
    relay: Ingest, other: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="1", text="漏水")
    stream.add(external_id="2", text="")
    other._held = other._read("unread")
    stream.redis.xgroup_destroy(INGEST_STREAM, INGEST_GROUP)

    assert (relay.step(0), relay.step(0), other.step(0)) == (0, 2, 2)

    assert list(rows(database)) == ["1"]
    assert len(stream.rejects()) == 1  # and not one for each relay
    assert stream.left() == (0, 0)


def test_two_relays_without_a_group_store_and_refuse_each_entry_once(
    publisher: Publisher,
    submitter: Submitter,
    settings: Settings,
    stream: TicketStream,
    database: Database,
) -> None:
    """Redis is too full to make the group, so both read the same entries."""
    one, two = (Ingest(publisher.redis, submitter, settings, name) for name in ("one", "two"))
    for number in range(3):
        stream.add(external_id=str(number), text="漏水", memo="x" * MB)
    stream.add(external_id="0", text="停电")
    stream.add(external_id="bad", text="")

    with stream.full():
        two._held = two._wait_for_entries(0)
        assert (one.step(0), two.step(0)) == (5, 5)
    for each in (one, two):
        each.rejects._next_try = 0.0
        each.step(0)

    assert {ticket.text for ticket in rows(database).values()} == {"漏水"}
    assert len(rows(database)) == 3
    assert sorted(reject["external_id"] for reject in stream.rejects()) == ["0", "bad"]
    assert stream.redis.xlen(INGEST_STREAM) == 0


def refuse(database: Database, condition: str) -> None:
    """Let the database refuse rows for their own sake."""
    statement = f"ALTER TABLE tickets ADD CONSTRAINT poison CHECK (NOT ({condition}))"
    if database.engine.dialect.name == "sqlite":
        condition = condition.replace("external_id", "NEW.external_id")
        statement = (
            f"CREATE TRIGGER poison BEFORE INSERT ON tickets WHEN {condition}"
            " BEGIN SELECT RAISE(ABORT, 'poison'); END"
        )
    with database.writing() as session:
        session.execute(text(statement))


def test_an_entry_that_the_database_refuses_takes_no_other_with_it(
    relay: Ingest, stream: TicketStream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(database, "external_id IN ('3', '7')")
    for number in range(9):
        stream.add(external_id=str(number), text="张三家漏水")

    assert relay.step(0) == 9

    assert sorted(rows(database)) == list("0124568")
    rejects = stream.rejects()
    assert [reject["external_id"] for reject in rejects] == ["3", "7"]
    assert all(r["rejected_reason"].startswith("entry: the database refuses") for r in rejects)
    assert "张三" not in caplog.text + "".join(r["rejected_reason"] for r in rejects)


def test_a_database_that_refuses_every_ticket_makes_no_rejects(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    refuse(database, "external_id <> ''")
    for number in range(9):
        stream.add(external_id=str(number), text="漏水")

    with pytest.raises(RecordRefusedError):
        relay.step(0)

    assert (stream.left(), stream.rejects()) == ((9, 9), [])
    undo: Any = "DROP TRIGGER poison"
    if database.engine.dialect.name == "postgresql":
        undo = "ALTER TABLE tickets DROP CONSTRAINT poison"
    with database.writing() as session:
        session.execute(text(undo))
    assert relay.step(0) == 9  # at once: the batch was held
    assert len(rows(database)) == 9
