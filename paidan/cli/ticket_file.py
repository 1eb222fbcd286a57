"""Reads a file of tickets for a command."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from paidan.cli.notes import Notes

if TYPE_CHECKING:
    from db.tickets import NewTicket
    from producer.tickets.options import ReadOptions
    from producer.tickets.outcome import Reject


def read_file(
    file: Path,
    options: "ReadOptions",
    encoding: str | None,
    sheet: str | None = None,
    notes: Notes | None = None,
) -> "Iterator[tuple[int, NewTicket | Reject]]":
    """Read a ticket file; errors name the file, and ``notes`` takes what is to be said of rows.

    Raises:
        InputError: it cannot be read at all, or holds no row.
    """
    from paidan.cli.inert import as_stored
    from producer.files.reader import read_rows
    from producer.tickets.columns import check_columns, columns_used
    from producer.tickets.reader import read_tickets

    columns = options.columns or {}
    check_columns(columns)
    asked = [] if notes is None else [notes.take]
    empty = True
    rows = map(
        as_stored, read_rows(file, encoding=encoding, sheet=sheet, used=columns_used(columns))
    )
    try:
        for item in read_tickets(rows, options, *asked):
            empty = False
            yield item
    except InputError as error:
        message = str(error)
        raise InputError(message if str(file) in message else f"{file}, {message}") from error
    if empty:
        raise InputError(f"{file}: there is no row in it")
