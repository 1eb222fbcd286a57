"""``paidan push``: a file's tickets onto their way, with progress."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.broker import BULK, LANES
from core.errors import InputError
from core.settings import get_settings
from paidan.cli.notes import Notes
from paidan.cli.options import (
    COLUMN,
    ENCODING,
    FILE,
    JSON,
    PARTLY,
    REJECTS,
    SHEET,
    SOURCE,
    print_json,
)
from paidan.cli.rejects import Rejects
from paidan.cli.submission import Submission
from paidan.cli.ticket_file import read_file

if TYPE_CHECKING:
    from db.tickets import NewTicket
    from producer.tickets.outcome import Reject


def _time_formats(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    from producer.tickets.times.user_format import check_format

    return tuple(map(check_format, values))


@click.command()
@FILE
@click.option("--lane", type=click.Choice(LANES), default=BULK, show_default=True)
@click.option("--wait", "wait", is_flag=True, help="Wait until every ticket is classified.")
@click.option("--strict", is_flag=True, help="If any row is bad, submit nothing.")
@SOURCE
@COLUMN
@click.option(
    "--time-format",
    "time_formats",
    multiple=True,
    callback=_time_formats,
    metavar="FORMAT",
    help="How times are written, such as '%d/%m/%Y %H:%M'; may be repeated.",
)
@ENCODING
@SHEET
@REJECTS
@JSON
def push(
    file: Path,
    lane: str,
    source: str,
    columns: dict[str, str],
    time_formats: tuple[str, ...],
    encoding: str | None,
    sheet: str | None,
    rejects: Path | None,
    *,
    wait: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Submit the tickets of FILE (.csv, .tsv, .json, .jsonl, .xlsx); known ones are skipped."""
    from producer.submit import Submitter
    from producer.tickets.options import ReadOptions

    settings = get_settings()
    options = ReadOptions(
        source, columns, lane, settings.timezone, settings.max_ticket_chars, time_formats
    )
    notes, refused = Notes(file), Rejects.of(file, rejects, settings)
    if strict:
        # What would go to meta with a note costs the ticket here.
        _check_all(file, read_file(file, replace(options, strict=True), encoding, sheet))
    submission = Submission(Submitter.from_settings(settings), refused)
    began = time.monotonic()
    _submit(submission, read_file(file, options, encoding, sheet, notes), wait, quiet=as_json)
    refused.report()
    notes.report()
    counts = _counts(submission, refused, wait=wait)
    _print_summary(counts, time.monotonic() - began, notes, as_json=as_json)
    if submission.result.unpublished:
        click.echo(f"stored, not yet on its way: {submission.result.unpublished}", err=True)
    return PARTLY if refused.count or submission.answered["dead"] else 0


def _submit(
    submission: Submission,
    items: "Iterable[tuple[int, NewTicket | Reject]]",
    wait: bool,
    *,
    quiet: bool,
) -> None:
    """Submit the tickets and wait for them, with progress."""
    from paidan.progress.push import PushProgress

    try:
        with PushProgress(quiet=quiet) as progress:
            submission.submit(items, progress)
            if wait:
                submission.wait(progress)
    except KeyboardInterrupt:
        told = f"{submission.result.added:,} tickets are in; the same command goes on from there"
        click.echo(told, err=True)
        raise


def _counts(submission: Submission, refused: Rejects, *, wait: bool) -> dict[str, int]:
    result = submission.result
    counts = {"added": result.added, "known": result.known, "rejected": refused.count}
    if wait:
        counts |= {name: submission.answered[name] for name in ("routed", "review", "dead")}
    return counts


def _print_summary(counts: dict[str, int], seconds: float, notes: Notes, *, as_json: bool) -> None:
    if as_json:
        print_json({**counts, "seconds": round(seconds, 2), "notes": notes.as_json()})
    else:
        told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        click.echo(f"{told}, seconds {seconds:.2f}")


def _check_all(file: Path, items: "Iterable[tuple[int, NewTicket | Reject]]") -> None:
    """Read the whole file and refuse it if a row is bad (``--strict``)."""
    from producer.tickets.outcome import Reject

    bad = [item for _, item in items if isinstance(item, Reject)]
    if bad:
        first = bad[0]
        field = f", {first.field}" if first.field else ""
        raise InputError(
            f"{file}, line {first.line}{field}: {first.reason} ({len(bad)} bad rows in all); "
            "nothing was submitted (--strict)"
        )


COMMANDS = (push,)
