"""Erasing a ticket from the streams: its entries and rejects go, those of others stay."""

import json

import pytest

from core.broker import INGEST_REJECTS, INGEST_STREAM
from producer.stream.erasure import erase_from_streams
from tests.support.streams import TicketStream


@pytest.mark.parametrize("key", [INGEST_STREAM, INGEST_REJECTS])
@pytest.mark.parametrize(
    "entry",
    [
        {"external_id": "7", "source": "crm", "text": "\u6f0f\u6c34"},
        {"external_id": " 7 ", "source": "crm", "text": b"\xff"},
        {"json": json.dumps({"external_id": 7, "source": "crm", "text": "\u6f0f\u6c34"})},
        {"json": '{"external_id": "7", "text": "cut o'},
        {"json": "{", "rejected_external_id": "7"},
        {"external_id": "'7", "source": "crm"},  # stored as 7, and so are the next two
        {"external_id": '="7"', "source": "crm"},
        {"json": json.dumps({"external_id": 7.0, "source": "crm"})},
    ],
    ids=[
        "fields",
        "spaces and bytes",
        "json",
        "cut json",
        "cut json with the id beside it",
        "marked as a text",
        "a formula",
        "a number with .0",
    ],
)
def test_an_entry_of_the_ticket_is_deleted(
    bare_stream: TicketStream, key: str, entry: dict[str, str | bytes]
) -> None:
    bare_stream.redis.xadd(key, entry)

    assert erase_from_streams(bare_stream.redis, "crm", "7") == 1
    assert bare_stream.redis.xlen(key) == 0


@pytest.mark.parametrize(
    "entry",
    [
        {"external_id": "8", "source": "crm"},
        {"external_id": "7", "source": "phone"},
        {"external_id": "7"},  # its source is the stream
        {"json": '["7"]'},
        {"json": '{"external_id": "77", "text": "cut o'},
        {"external_id": "2.02603E+15", "source": "crm"},  # an id that is none any more
        {"source": "crm"},
    ],
)
def test_an_entry_of_another_ticket_stays(
    bare_stream: TicketStream, entry: dict[str, str | bytes]
) -> None:
    bare_stream.redis.xadd(INGEST_STREAM, entry)

    assert erase_from_streams(bare_stream.redis, "crm", "7") == 0
    assert bare_stream.redis.xlen(INGEST_STREAM) == 1


def test_an_entry_without_a_source_is_the_streams(bare_stream: TicketStream) -> None:
    bare_stream.redis.xadd(INGEST_STREAM, {"external_id": "7"})

    assert erase_from_streams(bare_stream.redis, "stream", "7") == 1


def test_many_entries_are_looked_through(bare_stream: TicketStream) -> None:
    for number in range(35):
        bare_stream.redis.xadd(INGEST_STREAM, {"external_id": str(number % 7), "source": "crm"})

    assert erase_from_streams(bare_stream.redis, "crm", "3") == 5
    assert bare_stream.redis.xlen(INGEST_STREAM) == 30


def test_a_key_of_another_type_is_left_alone(bare_stream: TicketStream) -> None:
    bare_stream.redis.set(INGEST_REJECTS, "theirs")

    assert erase_from_streams(bare_stream.redis, "crm", "7") == 0
    assert bare_stream.redis.get(INGEST_REJECTS) == b"theirs"
