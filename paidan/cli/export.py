"""``paidan export``: a row a ticket, for spreadsheets and programs."""

from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import click

from classifier.interface import HeldBack
from core.settings import get_settings
from paidan.cli.export_file import check_name, print_rows, write_file
from paidan.cli.options import FILE, opened_database, read_moment

STATUSES = ("queued", "routed", "review", "dead")
REASONS = (*get_args(HeldBack), "gone", "sample")


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
@click.option(
    "--blind", is_flag=True, help="Drawn disagreements that wait for 'paidan correct --blind'."
)
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
    blind: bool,
    local_times: bool,
    raw: bool,
) -> int:
    """Write a row a ticket to FILE (.csv, .tsv, .xlsx or .jsonl; '-' prints JSONL).

    Options that choose tickets may be repeated, and all of them must hold. People fill in the
    column 'unit', and 'paidan correct FILE' enters their decisions.
    """
    from db.export import Wanted, export_rows

    check_name(file)
    _check_blind(blind and (units or held_back))
    settings = get_settings()
    zone = ZoneInfo(settings.timezone)
    wanted = Wanted(
        statuses=statuses,
        sources=sources,
        since=read_moment("--since", since, zone),
        until=read_moment("--until", until, zone, after_date=True),
        held_back=held_back,
        units=units,
        blind=blind,
    )
    with opened_database(settings) as database:
        rows = export_rows(database, wanted)
        if str(file) == "-":
            return print_rows(rows, zone if local_times else None)
        count = write_file(file, rows, zone if local_times else None, raw=raw)
    click.echo(f"{count:,} tickets exported to {file}", err=True)
    return 0


def _check_blind(chosen: object) -> None:
    """Refuse to choose tickets by answers that are not to be shown."""
    if chosen:
        raise click.UsageError(
            "--blind shows no answer, so none can choose: leave --unit and --held-back out"
        )


COMMANDS = (export,)
