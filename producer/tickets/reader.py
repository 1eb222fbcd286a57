"""From rows to tickets: which columns mean what, and why a row is refused."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from zoneinfo import ZoneInfo

from db.tickets import NewTicket
from producer.files.rows import Row
from producer.tickets.checks import MAX_SOURCE_CHARS
from producer.tickets.columns import column_names, with_columns
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Note, Reject
from producer.tickets.row_fields import RowFields
from producer.tickets.scalars import FieldError


def read_tickets(
    rows: Iterable[Row], options: ReadOptions, on_note: Callable[[Note], object] = lambda note: None
) -> Iterator[tuple[int, NewTicket | Reject]]:
    """Turn rows into tickets, each with its line, or into what is wrong with them.

    A row without an external id gets one from the hash of its text and, for equal texts, its
    number among them: reading the same file again gives the same ids.

    Args:
        rows: of one file.
        options: how to read them.
        on_note: is told the notes on a row that was taken, before the row is yielded.

    Raises:
        InputError: the first rows have no column that could be the text, or lack one that
            ``options`` names.
    """
    named = options.columns or {}
    zone = ZoneInfo(options.timezone)
    seen: Counter[bytes] = Counter()
    for row in with_columns(rows, named):
        if row.problem is not None:
            yield row.line, Reject(row.line, "", row.problem, row.values)
            continue
        fields = RowFields(row, column_names(row.values, named), options, zone)
        try:
            ticket = _ticket(fields, seen)
        except FieldError as error:
            yield row.line, Reject(row.line, error.field, str(error), row.values)
            continue
        for note in fields.notes:
            on_note(note)
        yield row.line, ticket


def _ticket(fields: RowFields, seen: Counter[bytes]) -> NewTicket:
    options = fields.options
    title = fields.text("title", options.max_chars)
    text = fields.text("text", options.max_chars) or title
    if text is None:
        raise FieldError("text", "the text is missing or blank")
    return NewTicket(
        source=fields.name("source", MAX_SOURCE_CHARS) or options.source,
        external_id=fields.external_id() or _numbered_hash(title, text, seen),
        title=title,
        text=text,
        received_at=fields.time("received_at"),
        lane=fields.lane(),
        priority=fields.priority(),
        due_at=fields.time("due_at"),
        district=fields.name("district"),
        unit=fields.text("unit"),  # a unit may be named 无: who reads it asks the taxonomy
        meta=fields.meta(),
    )


def _numbered_hash(title: str | None, text: str, seen: Counter[bytes]) -> str:
    digest = hashlib.sha256(f"{title or ''}\n{text}".encode()).digest()[:12]
    seen[digest] += 1
    number = seen[digest]
    return digest.hex() if number == 1 else f"{digest.hex()}-{number}"
