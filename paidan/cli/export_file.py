"""Writes exported rows to a file, which is there whole or not at all, or to standard output."""

import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from core.errors import InputError, StorageError
from core.whole import replacing
from paidan.cli import sheets
from paidan.cli.options import explained

# What a shell shows for a program that a closed pipe ended.
READER_GONE = 141
_TABLES = {".csv": ",", ".tsv": "\t"}
_JSONL = (".jsonl", ".ndjson")

Rows = Iterable[dict[str, Any]]


def check_name(file: Path) -> None:
    """Refuse a file of another kind.

    Raises:
        InputError: it is of one.
    """
    if str(file) != "-" and file.suffix.lower() not in (*_TABLES, *_JSONL, ".xlsx"):
        raise InputError(
            f"{file}: its name must end in .csv, .tsv, .xlsx or .jsonl (or be '-' for JSONL)"
        )


def write_file(file: Path, rows: Rows, zone: ZoneInfo | None, *, raw: bool) -> int:
    """Write the rows in the form that the file's name says; return their number.

    Args:
        file: what is there stays until the new one is complete.
        rows: with the columns of ``db.export``.
        zone: of times, None for UTC.
        raw: of a table, leave formulas as they are.

    Raises:
        InputError, StorageError: it cannot be written.
    """
    with explained(file), replacing(file) as unfinished:
        return _write(unfinished, file.suffix.lower(), rows, zone, raw=raw)


def print_rows(rows: Rows, zone: ZoneInfo | None) -> int:
    """Print the rows as JSONL; return the exit code, ``READER_GONE`` where nobody reads on.

    Raises:
        StorageError: standard output cannot be written.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # JSON is, whatever the terminal's encoding
    try:
        count = sheets.write_jsonl(sys.stdout, rows, zone)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return READER_GONE
    except OSError as error:
        _discard_output()
        raise StorageError(f"standard output cannot be written: {error.strerror}") from error
    click.echo(f"{count:,} tickets exported", err=True)
    return 0


def _write(file: Path, suffix: str, rows: Rows, zone: ZoneInfo | None, *, raw: bool) -> int:
    if suffix in _TABLES:
        return sheets.write_table(file, rows, zone, delimiter=_TABLES[suffix], raw=raw)
    if suffix in _JSONL:
        with file.open("w", encoding="utf-8") as stream:
            return sheets.write_jsonl(stream, rows, zone)
    count, cut = sheets.write_xlsx(file, rows, zone)
    if cut:
        click.echo(
            f"note: {cut:,} texts are cut, with a mark at their end: a cell of an .xlsx file holds "
            "32,767 characters; .csv and .jsonl hold all",
            err=True,
        )
    return count


def _discard_output() -> None:
    """Let Python's last flush of what is still buffered succeed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
