"""``paidan shadow``: a version answers a share of the tickets beside the champion, unseen."""

from dataclasses import asdict

import click

from core.settings import get_settings
from core.terminal import without_controls
from paidan.cli.options import BY, JSON, Share, opened_database, print_json


@click.group()
def shadow() -> None:
    """Let a version answer a share of the tickets unseen, and compare it with the champion."""


@shadow.command()
@click.argument("name")
@click.option(
    "--share",
    type=Share(min_open=True),
    default=0.1,
    show_default=True,
    help="Of the tickets that the champion answers from now on.",
)
@BY
def start(name: str, share: float, by: str) -> None:
    """Let version NAME answer in the shadow, in the place of one that does."""
    from db import shadow as record
    from db import versions
    from registry.opening import check_version

    settings = get_settings()
    with opened_database(settings) as database:
        with database.reading() as session:
            name = versions.named(session, name)
        check_version(database, name, settings.resolved_models_dir)
        with database.writing() as session:
            record.start(session, name, share, actor=by)
    click.echo(f"{name} answers {share:.0%} of the tickets in the shadow, while no ticket waits")


@shadow.command()
@BY
def stop(by: str) -> None:
    """Let no version answer in the shadow any more; its answers are kept."""
    from db import shadow as record

    with opened_database(get_settings()) as database, database.writing() as session:
        left = record.stop(session, actor=by)
    click.echo(f"{left} left the shadow" if left else "no version is in the shadow")


@shadow.command("list")
@click.argument("name", required=False)
@JSON
def list_(name: str | None, *, as_json: bool) -> None:
    """List the tickets that version NAME (by default the one in the shadow) answers otherwise."""
    from db import shadow as record
    from db import versions

    with opened_database(get_settings()) as database, database.reading() as session:
        current = record.current(session)
        version = versions.named(session, name) if name else current.version if current else None
        if version is None:
            raise click.UsageError("no version is in the shadow: paidan shadow start NAME")
        versions.get_version(session, version)
        counts = record.agreement(session, version)
        rows = [asdict(one) for one in record.disagreements(session, version)]
    if as_json:
        print_json({"version": version, **asdict(counts), "disagreements": rows})
        return
    for row in rows:
        decided = f"  routed to {row['decided_unit']}" if row["decided_unit"] else ""
        told = (
            f"{row['source']} {row['external_id']}  champion {row['champion_unit']}  "
            f"shadow {row['shadow_unit']} ({row['shadow_probability']:.2f}){decided}"
        )
        click.echo(without_controls(told))
    unanswered = counts.asked - counts.answered
    click.echo(
        f"{version}: {counts.answered:,} answered in the shadow, {counts.agreed:,} as the champion"
        + (f"; {unanswered:,} asked without an answer" if unanswered else "")
    )


COMMANDS = (shadow,)
