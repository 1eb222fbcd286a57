"""``paidan export``: a row a ticket, for spreadsheets and programs."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from core.errors import InputError, StorageError
from core.settings import get_settings
from paidan.cli import sheets
from paidan.cli.options import FILE, opened_database

STATUSES = ("queued", "routed", "review", "dead")
REASONS = ("doubtful", "unlearned", "sample")
# What a shell shows for a program that a closed pipe ended.
READER_GONE = 141
_TABLES = {".csv": ",", ".tsv": "\t"}
_JSONL = (".jsonl", ".ndjson")

Rows = Iterable[dict[str, Any]]


@click.command()
@FILE
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES))
@click.option("--source", "sources", multiple=True, help="Tickets of this source.")
@click.option("--since", metavar="TIME", help="Submitted then or later, local time.")
@click.option("--until", metavar="TIME", help="Submitted before then; a date is included.")
@click.option(
    "--held-back", multiple=True, type=click.Choice(REASONS), help="Why a person was asked."
)
@click.option("--unit", "units", multiple=True, help="The decided, else the answered unit.")
@click.option("--local-times", is_flag=True, help="Times of PAIDAN_TIMEZONE instead of UTC.")
@click.option("--raw", is_flag=True, help="CSV, TSV: leave formulas as they are (for programs).")
def export(
    file: Path,
    statuses: tuple[str, ...],
    sources: tuple[str, ...],
    since: str | None,
    until: str | None,
    held_back: tuple[str, ...],
    units: tuple[str, ...],
    *,
    local_times: bool,
    raw: bool,
) -> int:
    """Write a row a ticket to FILE (.csv, .tsv, .xlsx or .jsonl; '-' prints JSONL).

    Options that choose tickets may be repeated, and all of them must hold. People fill in the
    column 'unit', and 'paidan correct FILE' enters their decisions.
    """
    from db.export import Wanted, export_rows

    suffix = file.suffix.lower()
    if str(file) != "-" and suffix not in (*_TABLES, *_JSONL, ".xlsx"):
        raise InputError(
            f"{file}: its name must end in .csv, .tsv, .xlsx or .jsonl (or be '-' for JSONL)"
        )
    settings = get_settings()
    zone = ZoneInfo(settings.timezone)
    wanted = Wanted(
        statuses=statuses,
        sources=sources,
        since=_moment("--since", since, zone),
        until=_moment("--until", until, zone, after_date=True),
        held_back=held_back,
        units=units,
    )
    shown_zone = zone if local_times else None
    with opened_database(settings) as database:
        rows = export_rows(database, wanted)
        if str(file) == "-":
            return _print(rows, shown_zone)
        with _replaced(file) as unfinished:
            count = _write(unfinished, suffix, rows, shown_zone, raw=raw)
    click.echo(f"{count:,} tickets exported to {file}", err=True)
    return 0


def _moment(
    option: str, text: str | None, zone: ZoneInfo, *, after_date: bool = False
) -> datetime | None:
    """Read a date or a time; a date alone means its beginning, or with ``after_date`` its end."""
    if text is None:
        return None
    try:
        if len(text) <= len("2026-03-01"):
            day = date.fromisoformat(text) + timedelta(days=after_date)
            return datetime.combine(day, time(), zone)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{text!r} is no time such as 2026-03-01 or 2026-03-01T09:30", param_hint=option
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


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


def _print(rows: Rows, zone: ZoneInfo | None) -> int:
    """Print the rows as JSONL; end quietly where the reader has gone."""
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


def _discard_output() -> None:
    """Let Python's last flush of what is still buffered succeed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def _replaced(file: Path) -> Iterator[Path]:
    """Yield a file to write that takes the name of ``file`` only when it is complete."""
    # Not made of the file's name: with more characters than that it could be too long.
    unfinished = file.with_name(f".paidan-export.{os.getpid()}.partial")
    try:
        yield unfinished
        unfinished.replace(file)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # its folder may be missing, and the error above says so
            unfinished.unlink(missing_ok=True)


COMMANDS = (export,)
