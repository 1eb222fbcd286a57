"""What comes of a row: a ticket with notes, or a reject that keeps the row."""

from typing import Any

from db.tickets import NewTicket
from producer.files.rows import Row
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Note, Reject
from producer.tickets.reader import read_tickets


def told(row: dict[str, Any], **options: Any) -> tuple[NewTicket | Reject, list[Note]]:
    notes: list[Note] = []
    [(_, item)] = read_tickets([Row(2, row)], ReadOptions(**options), notes.append)
    return item, notes


def test_a_time_that_cannot_be_read_goes_to_meta_under_its_columns_name() -> None:
    row = {"内容": "漏水", "期限": "03/04/2026", "received_at": "yesterday"}

    ticket, notes = told(row, columns={"text": "内容", "due_at": "期限"})

    assert isinstance(ticket, NewTicket)
    assert (ticket.due_at, ticket.received_at) == (None, None)
    assert ticket.meta == {"期限": "03/04/2026", "received_at": "yesterday"}
    assert [(r.line, r.field) for r in notes] == [(2, "received_at"), (2, "due_at")]
    assert "'yesterday' is no time" in notes[0].detail
    assert not any(value in r.kind for r in notes for value in ("yesterday", "2026"))


def test_a_bad_row_does_not_stop_the_rows_behind_it() -> None:
    rows = [Row(2, {}, "broken"), Row(3, {"text": ""}), Row(5, {"text": "漏水"})]

    found = list(read_tickets(rows, ReadOptions()))

    assert [line for line, _ in found] == [2, 3, 5]
    assert found[0][1] == Reject(2, "", "broken", {})
    assert isinstance(found[2][1], NewTicket)


def test_a_note_on_the_whole_row_names_no_field_and_no_value() -> None:
    notes: list[Note] = []
    row = Row(2, {"text": "漏水"}, notes=("the row has fewer fields than the header",))

    list(read_tickets([row], ReadOptions(), notes.append))

    assert notes == [Note(2, "", "the row has fewer fields than the header")]


def test_a_refused_row_has_no_notes() -> None:
    notes: list[Note] = []
    row = Row(2, {"text": "", "received_at": "yesterday"}, notes=("a note",))

    [(_, reject)] = read_tickets([row], ReadOptions(), notes.append)

    assert (isinstance(reject, Reject), notes) == (True, [])
