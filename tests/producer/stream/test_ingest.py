"""The ingest stream: an entry becomes a row once, whatever dies between its two steps."""

import json
import threading
from typing import Any

import pytest

from core.errors import StorageError
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from db.tickets import NewTicket
from producer.stream import ingest
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from producer.tickets.options import ReadOptions
from tests.support.make import messages
from tests.support.processes import wait_until
from tests.support.streams import TicketStream, rows


def test_an_entry_becomes_a_row_and_leaves_the_stream(
    relay: Ingest, stream: TicketStream, database: Database, publisher: Publisher
) -> None:
    stream.add(
        external_id="7", text="路灯坏了", unit="城管局", priority="2", meta='{"a": [1]}', seat="3"
    )

    assert relay.step(0) == 1

    row = rows(database)["7"]
    assert (row.source, row.lane, row.text, row.priority) == ("stream", "live", "路灯坏了", 2)
    assert (row.given_unit, row.meta) == ("城管局", {"a": [1], "seat": "3"})
    assert stream.left() == (0, 0)
    assert messages(publisher, "live") == [[row.id]]


def test_an_entry_may_hold_one_json_object(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    entry = {"external_id": 7, "text": "漏水", "lane": "bulk", "source": "12345", "meta": {"n": 1}}
    stream.add(json=json.dumps(entry))

    relay.step(0)

    row = rows(database)["7"]
    assert (row.source, row.lane, row.text, row.meta) == ("12345", "bulk", "漏水", {"n": 1})


def test_entries_added_before_the_first_relay_are_read(
    other: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="1", text="漏水")

    assert (other.step(0), other.step(0)) == (0, 1)  # the first step makes the group

    assert list(rows(database)) == ["1"]


def test_times_without_zone_are_of_the_configured_zone(
    publisher: Publisher, submitter: Submitter, settings: Settings, database: Database
) -> None:
    utc = settings.model_copy(update={"timezone": "UTC"})
    relay = Ingest(publisher.redis, submitter, utc, "one")
    relay.step(0)
    TicketStream(publisher.redis).add(external_id="1", text="漏水", received_at="2026-03-01 09:30")

    relay.step(0)

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
    ({"json": "{"}, "json: not JSON"),
    ({"json": "[]"}, "json: an object is expected"),
    ({"json": "9" * 5000}, "json: not JSON"),
    ({"json": '{"external_id": "1", "text": ["a"]}'}, "text: a list where text"),
    ({"json": '{"external_id": "1", "text": "\\ud800"}'}, "text: holds half"),
]


def test_bad_entries_are_set_aside_with_their_reason_and_stop_no_other(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="before", text="漏水")
    entries = [stream.add(**fields) for fields, _ in BAD]
    stream.add(external_id="after", text="漏水")

    assert relay.step(0) == len(BAD) + 2

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


def test_the_same_entry_twice_adds_one_row(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    for _ in range(2):
        stream.add(external_id="1", text="漏水")
    relay.step(0)
    stream.add(external_id="1", text="漏水")
    relay.step(0)

    assert list(rows(database)) == ["1"]
    assert (stream.rejects(), stream.left()) == ([], (0, 0))


def test_a_known_id_with_another_text_is_set_aside(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    for text in ("漏水", "停电", "漏水"):
        stream.add(external_id="1", text=text)

    relay.step(0)

    assert rows(database)["1"].text == "漏水"
    [refused] = stream.rejects()
    assert refused["text"] == "停电"
    assert refused["rejected_reason"] == "external_id: stored already with another text"


@pytest.mark.parametrize("committed", [True, False])
def test_what_a_killed_relay_read_is_taken_over_and_added_once(
    relay: Ingest,
    other: Ingest,
    stream: TicketStream,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    *,
    committed: bool,
) -> None:
    for number in range(3):
        stream.add(external_id=str(number), text="漏水")
    entries = other._read("unread")
    read = [other._ticket(entry, ReadOptions(source="stream")) for entry in entries]
    if committed:  # and killed before the acknowledgement
        other.submitter.submit([ticket for ticket in read if isinstance(ticket, NewTicket)])
    assert relay.step(0) == 0  # the other one may still be at work

    monkeypatch.setattr(ingest, "_TAKE_OVER_AFTER_MS", 0)

    assert relay.step(0) == 3
    assert sorted(rows(database)) == ["0", "1", "2"]
    assert (stream.left(), stream.rejects()) == ((0, 0), [])


def test_a_database_fault_leaves_everything_to_the_next_try(
    relay: Ingest,
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
        unlucky.step(0)
    assert (stream.left(), stream.rejects()) == ((2, 2), [])

    monkeypatch.setattr(ingest, "_TAKE_OVER_AFTER_MS", 0)
    assert relay.step(0) == 2
    assert list(rows(database)) == ["1"]
    assert len(stream.rejects()) == 1  # and not once for each try


def test_losing_redis_data_makes_the_group_again(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.redis.flushall()
    stream.add(external_id="1", text="漏水")

    assert (relay.step(0), relay.step(0)) == (0, 1)

    assert list(rows(database)) == ["1"]


def test_losing_redis_data_while_a_relay_waits_stops_nothing(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    taken: list[int] = []
    waiting = threading.Thread(target=lambda: taken.append(relay.step(60)))
    waiting.start()

    def evals() -> int:
        return int(stream.redis.info("commandstats")["cmdstat_eval"]["calls"])

    before = evals()
    wait_until(lambda: evals() > before + 1, 20, "a waiting relay")

    stream.redis.flushall()
    waiting.join(10)

    assert taken == [0]
    stream.add(external_id="1", text="漏水")
    assert relay.step(0) == 1
    assert list(rows(database)) == ["1"]


def test_two_relays_share_the_stream(
    relay: Ingest, other: Ingest, stream: TicketStream, database: Database
) -> None:
    for number in range(600):
        stream.add(external_id=str(number), text="漏水")

    shares = (relay.step(0), other.step(0))

    assert shares == (500, 100)
    assert len(rows(database)) == 600
    assert stream.left() == (0, 0)
