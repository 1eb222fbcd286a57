"""The ingest stream: an entry becomes a row once, whatever dies between its two steps."""

import pytest

from core.errors import StorageError
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from producer.stream import consumer
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from tests.support.make import messages
from tests.support.streams import TicketStream, rows


def test_an_entry_becomes_a_row_and_leaves_the_stream(
    ingest: Ingest, stream: TicketStream, database: Database, publisher: Publisher
) -> None:
    stream.add(
        external_id="7", text="路灯坏了", unit="城管局", priority="2", meta='{"a": [1]}', seat="3"
    )

    assert ingest.take_batch(0) == 1

    row = rows(database)["7"]
    assert (row.source, row.lane, row.text, row.priority) == ("stream", "live", "路灯坏了", 2)
    assert (row.given_unit, row.meta) == ("城管局", {"a": [1], "seat": "3"})
    assert stream.left() == (0, 0)
    assert messages(publisher, "live") == [[row.id]]


def test_the_same_entry_twice_adds_one_row(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    for _ in range(2):
        stream.add(external_id="1", text="漏水")
    ingest.take_batch(0)
    stream.add(external_id="1", text="漏水")
    ingest.take_batch(0)

    assert list(rows(database)) == ["1"]
    assert (stream.rejects(), stream.left()) == ([], (0, 0))


def test_a_database_fault_leaves_everything_to_the_next_try(
    ingest: Ingest,
    publisher: Publisher,
    settings: Settings,
    stream: TicketStream,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = Submitter(Database("sqlite:////nonexistent/x.db"), publisher, ())
    unlucky = Ingest(publisher.redis, broken, settings, "unlucky")
    stream.add(external_id="1", text="漏水")
    stream.add(external_id="2", text="")

    with pytest.raises(StorageError):
        unlucky.take_batch(0)
    assert (stream.left(), stream.rejects()) == ((2, 2), [])

    monkeypatch.setattr(consumer, "_TAKE_OVER_AFTER_MS", 0)
    assert ingest.take_batch(0) == 2
    assert list(rows(database)) == ["1"]
    assert len(stream.rejects()) == 1  # and not once for each try
