"""Read options: the lane, zone, source and length of rows that name none."""

from datetime import UTC, datetime, timedelta, timezone

from db.tickets import NewTicket
from producer.files.rows import Row
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Note, Reject
from producer.tickets.reader import read_tickets
from tests.support.make import read_records, rejected, ticket_of

SHANGHAI = timezone(timedelta(hours=8))


def test_the_length_limit_is_the_options_and_exact() -> None:
    assert ticket_of({"text": "x" * 100}, max_chars=100).text == "x" * 100
    assert rejected({"text": "x" * 101}, max_chars=100).field == "text"
    assert rejected({"title": "x" * 101, "text": "漏水"}, max_chars=100).field == "title"


def test_a_time_without_zone_is_of_the_options_zone() -> None:
    row = {"text": "漏水", "received_at": "2026/3/1"}

    assert ticket_of(row, timezone="UTC").received_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert ticket_of(row).received_at == datetime(2026, 3, 1, tzinfo=SHANGHAI)


def test_the_lane_is_the_rows_own_or_the_options() -> None:
    first, second = read_records(
        {"text": "一", "lane": "live"}, {"text": "二", "lane": ""}, lane="bulk"
    )

    assert isinstance(first, NewTicket)
    assert isinstance(second, NewTicket)
    assert (first.lane, second.lane) == ("live", "bulk")


def test_a_time_is_read_in_the_options_zone_and_format() -> None:
    row = {"text": "漏水", "received_at": "1/3/2026"}

    ticket = ticket_of(row, timezone="UTC", time_formats=["%d/%m/%Y"])

    assert ticket.received_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert ticket.meta == {}


def test_strict_options_refuse_a_time_that_cannot_be_read() -> None:
    notes: list[Note] = []
    row = Row(2, {"text": "漏水", "due_at": "03/04/2026"})

    [(_, refused)] = read_tickets([row], ReadOptions(strict=True), notes.append)

    assert isinstance(refused, Reject)
    assert (refused.field, notes) == ("due_at", [])


def test_a_source_column_tells_tickets_of_several_sources_apart() -> None:
    rows = [Row(2, {"source": "crm", "external_id": "1", "text": "a"}), Row(3, {"text": "b"})]

    sources = [
        item.source for _, item in read_tickets(rows, ReadOptions()) if isinstance(item, NewTicket)
    ]

    assert sources == ["crm", "file"]
