"""``paidan correct`` and ``paidan dead``: what people decide about tickets."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    FILE,
    JSON,
    PARTLY,
    REJECTS,
    SOURCE,
    Rejects,
    default_rejects,
    print_json,
)
from paidan.errors import InputError
from paidan.settings import get_settings

if TYPE_CHECKING:
    from db import Database


@click.command()
@FILE
@SOURCE
@COLUMN
@ENCODING
@REJECTS
@BY
def correct(
    file: Path,
    source: str,
    columns: dict[str, str],
    encoding: str | None,
    rejects: Path | None,
    by: str,
) -> int:
    """Enter decisions made elsewhere: FILE has external_id and unit (code or name)."""
    from db import open_database
    from producer.readers import read_rows

    settings = get_settings()
    database = open_database(settings)
    refused = Rejects(file, rejects or default_rejects(settings, file))
    counts: Counter[str] = Counter()
    id_column, unit_column = columns.get("external_id", "external_id"), columns.get("unit", "unit")
    for row in read_rows(file, encoding=encoding):
        problem = row.problem
        if problem is None:
            external_id = str(row.values.get(id_column) or "").strip()
            unit = str(row.values.get(unit_column) or "").strip()
            own_source = str(row.values.get("source") or source)
            how, problem = _correct_one(database, own_source, external_id, unit, by)
            counts[how] += 1
        if problem is not None:
            refused.add(row.line, "", problem, row.values)
    if not counts and not refused.count:
        raise InputError(f"{file}: there is no row in it")
    click.echo(
        f"corrected {counts['correct']:,}, confirmed {counts['confirm']:,}, "
        f"decided before {counts['unchanged']:,}, refused {refused.count:,}"
    )
    refused.report()
    return PARTLY if refused.count else 0


def _correct_one(
    database: "Database", source: str, external_id: str, unit: str, by: str
) -> tuple[str, str | None]:
    """Enter one decision; return how it counts, and why it was refused."""
    from db import corrections, taxonomy

    if not external_id or not unit:
        return "refused", f"the {'unit' if external_id else 'external_id'} is missing"
    with database.writing() as session:
        code = taxonomy.resolve(session, [unit]).get(unit)
        if code is None:
            return "refused", f"unit {unit!r} is unknown or retired ('paidan units list')"
        ticket = corrections.find_ticket(session, source, external_id)
        if ticket is None:
            return "refused", f"no ticket {external_id!r} of source {source!r} is known"
        return corrections.decide(session, ticket, code, actor=by).how or "unchanged", None


@click.group()
def dead() -> None:
    """List dead tickets, or give them new attempts."""


@dead.command("list")
@click.option("--limit", default=100, show_default=True)
@JSON
def dead_list(limit: int, *, as_json: bool) -> None:
    """List dead tickets with their reason."""
    from db import open_database, report

    with open_database(get_settings()).reading() as session:
        rows = [
            {
                "source": t.source,
                "external_id": t.external_id,
                "attempts": t.attempts,
                "reason": t.dead_reason,
            }
            for t in report.dead_tickets(session, limit=limit)
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['source']}\t{row['external_id']}\t{row['reason']}")
    if not rows:
        click.echo("no ticket is dead")


@dead.command()
@click.argument("external_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead tickets.")
@SOURCE
@BY
def requeue(external_ids: tuple[str, ...], source: str, by: str, *, everything: bool) -> int:
    """Give dead tickets new attempts; each runs alone."""
    from db import claims, open_database, report

    if bool(external_ids) == everything:
        raise click.UsageError("name external ids, or --all")
    database = open_database(get_settings())
    with database.writing() as session:
        found = None if everything else report.dead_ids(session, source, external_ids)
        rows = claims.requeue_dead(session, found, actor=by)
    # The relay publishes them with its next sweep.
    click.echo(f"{len(rows):,} tickets are queued again")
    return PARTLY if len(rows) < len(external_ids) else 0


COMMANDS = (correct, dead)
