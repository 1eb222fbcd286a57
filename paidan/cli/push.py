"""``paidan push``: a file's tickets onto their way, with progress."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.broker import BULK, LANES
from core.errors import BrokerUnavailableError, InputError
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
    Rejects,
    default_rejects,
    print_json,
    read_file,
)

if TYPE_CHECKING:
    from db.tickets import NewTicket
    from paidan.progress.push import PushProgress
    from producer.submit import Refused, SubmitResult, Submitter
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
    from paidan.cli.notes import Notes
    from paidan.progress.push import PushProgress
    from producer.submit import SubmitResult, Submitter
    from producer.tickets.options import ReadOptions

    settings = get_settings()
    options = ReadOptions(
        source, columns, lane, settings.timezone, settings.max_ticket_chars, time_formats
    )
    notes = Notes(file)
    refused = Rejects(file, rejects or default_rejects(settings, file))
    if strict:
        # What would go to meta with a note costs the ticket here.
        _check_all(file, read_file(file, replace(options, strict=True), encoding, sheet))
    submitter = Submitter.from_settings(settings)
    began = time.monotonic()
    pushed = SubmitResult()
    try:
        with PushProgress(quiet=as_json) as progress:
            items = read_file(file, options, encoding, sheet, notes)
            _push(submitter, items, refused, progress, pushed)
            if wait and pushed.ids:
                if pushed.unpublished:
                    message = f"stored, but not on its way: {pushed.unpublished}"
                    raise BrokerUnavailableError(message)
                progress.wait(submitter.database, pushed.ids)
    except KeyboardInterrupt:
        click.echo(
            f"{pushed.added:,} tickets are in; the same command goes on from there", err=True
        )
        raise
    refused.report()
    notes.report()
    summary: dict[str, Any] = {
        "added": pushed.added,
        "known": pushed.known,
        "rejected": refused.count,
    }
    if wait:
        summary |= {status: progress.counts[status] for status in ("routed", "review", "dead")}
    _print_summary(summary, time.monotonic() - began, notes, as_json=as_json)
    if pushed.unpublished:
        click.echo(f"stored, not yet on its way: {pushed.unpublished}", err=True)
    return PARTLY if refused.count or progress.counts["dead"] else 0


def _print_summary(summary: dict[str, Any], seconds: float, notes: Notes, *, as_json: bool) -> None:
    if as_json:
        print_json({**summary, "seconds": round(seconds, 2), "notes": notes.as_json()})
    else:
        counts = ", ".join(f"{name} {count:,}" for name, count in summary.items())
        click.echo(f"{counts}, seconds {seconds:.2f}")


def _push(
    submitter: "Submitter",
    items: "Iterable[tuple[int, NewTicket | Reject]]",
    refused: Rejects,
    progress: "PushProgress",
    pushed: "SubmitResult",
) -> None:
    """Submit chunk by chunk, so that a long file is on its way while it is still being read."""
    from producer.submit import CHUNK
    from producer.tickets.outcome import Reject

    chunk: list[tuple[int, NewTicket]] = []

    def flush() -> None:
        submitter.submit([ticket for _, ticket in chunk], pushed)
        _refuse_conflicts(pushed.conflicts, chunk, refused)
        _refuse_erased(pushed.refused, chunk, refused)
        pushed.conflicts.clear()
        pushed.refused.clear()
        chunk.clear()
        progress.submitted(pushed.added + pushed.known)

    try:
        for line, item in items:
            if isinstance(item, Reject):
                refused.add(line, item.field, item.reason, item.row)
                continue
            chunk.append((line, item))
            if len(chunk) == CHUNK:
                flush()
    except InputError:  # the file breaks off: what was read before is good
        if chunk:
            flush()
        if pushed.ids:
            click.echo(f"{pushed.added:,} tickets before the fault were submitted", err=True)
        raise
    if chunk:
        flush()


def _refuse_conflicts(
    conflicts: "list[NewTicket]", chunk: "list[tuple[int, NewTicket]]", refused: Rejects
) -> None:
    known = {(t.source, t.external_id, t.text) for t in conflicts}
    for line, ticket in chunk:
        if (ticket.source, ticket.external_id, ticket.text) in known:
            reason = (
                f"{ticket.external_id!r} is stored already with another text; give the ticket "
                "another id, or name another --source"
            )
            row = {"external_id": ticket.external_id, "title": ticket.title, "text": ticket.text}
            refused.add(line, "external_id", reason, row)


def _refuse_erased(
    found: "list[Refused]", chunk: "list[tuple[int, NewTicket]]", refused: Rejects
) -> None:
    """Refuse what was erased; the rejects file gets the ids alone."""
    reasons = {(r.ticket.source, r.ticket.external_id): r for r in found}
    for line, ticket in chunk:
        why = reasons.get((ticket.source, ticket.external_id))
        if why is not None:
            row = {"source": ticket.source, "external_id": ticket.external_id}
            refused.add(line, why.field, why.reason, row)


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
