"""From an entry to a ticket, or to the reason why it is none."""

import json
from typing import Any

from core.publisher import Publisher
from core.settings import Settings
from db import Database
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from tests.support.streams import TicketStream, rows


def test_an_entry_may_hold_one_json_object(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    entry = {"external_id": 7, "text": "漏水", "lane": "bulk", "source": "12345", "meta": {"n": 1}}
    stream.add(json=json.dumps(entry))

    ingest.take_batch(0)

    row = rows(database)["7"]
    assert (row.source, row.lane, row.text, row.meta) == ("12345", "bulk", "漏水", {"n": 1})


def test_times_without_zone_are_of_the_configured_zone(
    publisher: Publisher, submitter: Submitter, settings: Settings, database: Database
) -> None:
    utc = settings.model_copy(update={"timezone": "UTC"})
    ingest = Ingest(publisher.redis, submitter, utc, "one")
    ingest.take_batch(0)
    TicketStream(publisher.redis).add(external_id="1", text="漏水", received_at="2026-03-01 09:30")

    ingest.take_batch(0)

    received_at = rows(database)["1"].received_at
    assert received_at is not None
    assert received_at.isoformat() == "2026-03-01T09:30:00+00:00"


NESTED = "[" * 100_000 + "]" * 100_000


BAD: list[tuple[dict[str, Any], str]] = [
    ({"text": "漏水"}, "external_id: missing"),
    ({"external_id": "1", "text": "  "}, "text: the text is missing or blank"),
    ({"external_id": "1", "body": "漏水"}, "text: the text is missing or blank"),
    ({"external_id": "1", "text": "漏水", "lane": "fast"}, "lane: 'fast' is no lane"),
    ({"external_id": "1", "text": "x" * 50_001}, "text: 50,001 characters"),
    ({"external_id": "1", "text": "漏\x00水"}, "text: holds a NUL"),
    ({"external_id": "1", "text": "漏水", "source": "a\x00"}, "source: at most 100"),
    ({"external_id": "1", "text": "漏水", "source": "a" * 101}, "source: at most 100"),
    ({"external_id": "1", "text": "漏水", "meta": "{"}, "meta: not JSON"),
    ({"external_id": "1", "text": "漏水", "meta": "[1]"}, "meta: an object is expected"),
    ({"external_id": "1", "text": "漏水", "meta": '{"a": NaN}'}, "meta: holds nan"),
    ({"external_id": "1", "text": "漏水", "meta": '{"a": "\\u0000"}'}, "meta: holds a NUL"),
    ({"external_id": "1", "text": "漏水", "meta": '{"a": "\\ud800"}'}, "meta: holds half"),
    ({"external_id": "1", "text": "漏水", "meta": NESTED}, "meta: not JSON"),
    ({"external_id": "1", "text": "漏水", "due_at": "2026\x00"}, "due_at: holds a NUL"),
    ({"external_id": "1", "text": "漏水".encode("gb18030") + b"\xff"}, "text: holds half"),
    ({"external_id": "1", "text": "漏水", "seat": b"\xff\xfe"}, "meta: holds half"),
    ({"external_id": "1", "text": "漏水", "priority": "9" * 5000}, "priority: 5,000 characters"),
    ({"json": "{"}, "json: not JSON"),
    ({"json": "[]"}, "json: an object is expected"),
    ({"json": "9" * 5000}, "json: not JSON"),
    ({"json": '{"external_id": "1", "text": ["a"]}'}, "text: a list where text"),
    ({"json": '{"external_id": "1", "text": "\\ud800"}'}, "text: holds half"),
]


def test_bad_entries_are_rejected_with_their_reason_and_stop_no_other(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="before", text="漏水")
    entries = [stream.add(**fields) for fields, _ in BAD]
    stream.add(external_id="after", text="漏水")

    assert ingest.take_batch(0) == len(BAD) + 2

    assert set(rows(database)) == {"before", "after"}
    assert stream.left() == (0, 0)
    rejects = stream.rejects()
    assert [reject.pop("rejected_entry") for reject in rejects] == entries
    reasons = [reject.pop("rejected_reason") for reject in rejects]
    assert [reason[: len(begin)] for reason, (_, begin) in zip(reasons, BAD, strict=True)] == [
        begin for _, begin in BAD
    ]
    kept = [{k: v.encode(errors="surrogateescape") for k, v in r.items()} for r in rejects]
    for reject, (fields, _) in zip(kept, BAD, strict=True):
        sent = {k: v if isinstance(v, bytes) else v.encode() for k, v in fields.items()}
        whole = "rejected_bytes" not in reject
        assert whole == (len(b"".join(sent.values())) < 2000)
        assert reject == sent if whole else reject.keys() - sent.keys() == {"rejected_bytes"}


def test_a_time_of_thousands_of_digits_stops_no_other_entry(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="1", text="漏水", received_at="9" * 5000)
    stream.add(external_id="2", text="漏水")

    assert ingest.take_batch(0) == 2

    odd = rows(database)["1"]
    assert (odd.received_at, odd.meta) == (None, {"received_at": "9" * 5000})
    assert "2" in rows(database)
