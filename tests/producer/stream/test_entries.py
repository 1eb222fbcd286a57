"""Fetching entries: by their bytes, never more of them than is taken."""

import tracemalloc

import pytest

from core.broker import INGEST_STREAM
from db import Database
from producer.stream import consumer
from producer.stream.ingest import Ingest
from tests.support.streams import TicketStream, rows

MB = 1_000_000


def test_a_batch_ends_where_its_bytes_do(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    for number in range(12):
        stream.add(external_id=str(number), text="漏水", memo="x" * MB)

    taken = [ingest.take_batch(0), ingest.take_batch(0), ingest.take_batch(0)]

    assert taken == [9, 3, 0]  # 8 MiB and the entry that exceeds it
    assert len(rows(database)) == 12


def test_a_giant_entry_is_refused_without_being_fetched(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(json='{"external_id": "1", "text": "' + "x" * 30 * MB + '"}')
    stream.add(external_id="good", text="漏水")

    tracemalloc.start()
    try:
        assert ingest.take_batch(0) == 2
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 10 * MB
    assert set(rows(database)) == {"good"}
    [reject] = stream.rejects()
    assert reject["rejected_reason"].startswith("entry: 30,0")
    assert len(reject["json"]) < 4000


def test_an_entry_of_thousands_of_fields_is_a_ticket(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="1", text="漏水", **{f"field{n}": "" for n in range(4000)})

    assert ingest.take_batch(0) == 1

    assert len(rows(database)["1"].meta) == 4000


def test_an_entry_deleted_while_it_was_pending_is_forgotten(
    ingest: Ingest,
    other: Ingest,
    stream: TicketStream,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deleted = stream.add(external_id="1", text="漏水")
    stream.add(external_id="2", text="漏水")
    assert len(other.consumer.fetch("unread")) == 2
    stream.redis.xdel(INGEST_STREAM, deleted)
    monkeypatch.setattr(consumer, "_TAKE_OVER_AFTER_MS", 0)

    assert ingest.take_batch(0) == 1

    assert list(rows(database)) == ["2"]
    assert stream.left() == (0, 0)
