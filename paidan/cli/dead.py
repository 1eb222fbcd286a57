"""``paidan dead``: tickets that were given up."""

import click

from core.settings import get_settings
from core.terminal import without_controls
from paidan.cli.options import BY, JSON, LIMIT, PARTLY, SOURCE, print_json


@click.group()
def dead() -> None:
    """List dead tickets, or give them new attempts."""


@dead.command("list")
@click.option("--limit", type=LIMIT, default=100, show_default=True)
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
        told = f"{row['source']}\t{row['external_id']}\t{row['reason']}"
        click.echo(without_controls(told, keep="\t"))
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


COMMANDS = (dead,)
