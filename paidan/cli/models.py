"""Commands about the registry of model versions. NAME may be ``champion`` or ``candidate``."""

from typing import Any

import click

from core.settings import get_settings
from paidan.cli.models_compare import compare
from paidan.cli.models_export import export
from paidan.cli.models_prune import prune
from paidan.cli.options import BY, JSON, opened_database, print_json


@click.group()
def models() -> None:
    """List, show, promote, compare, export and prune model versions.

    NAME is a version's, or champion (it answers) or candidate (the newest that could).
    """


@models.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List all versions, oldest first."""
    from db import open_database, shadow, versions

    with open_database(get_settings()).reading() as session:
        unseen = shadow.current(session)
        champion, candidate = versions.champion(session), versions.candidate(session)
        rows = [
            {
                "name": v.name,
                "kind": v.kind,
                "champion": v.name == champion,
                "candidate": v.name == candidate,
                "shadow": unseen.share if unseen and unseen.version == v.name else 0.0,
                "pruned": v.pruned_at is not None,
                "created_at": v.created_at.isoformat(timespec="seconds"),
                "metrics": v.metrics,
            }
            for v in versions.list_versions(session)
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        shade = f"  in the shadow ({row['shadow']:.0%} of tickets)" if row["shadow"] else ""
        click.echo(
            f"{_mark(row)} {row['name']}  {row['created_at']}  {_brief(row['metrics'])}{shade}"
        )
    legend = "* champion  + candidate  - pruned"
    click.echo(legend if rows else "no version yet: paidan train --data FILE")


def _mark(row: dict[str, Any]) -> str:
    marks = {"champion": "*", "candidate": "+", "pruned": "-"}
    return next((mark for key, mark in marks.items() if row[key]), " ")


def _brief(metrics: object) -> str:
    if not isinstance(metrics, dict):
        return ""
    return "  ".join(f"{k} {v:.4f}" for k, v in metrics.items() if isinstance(v, float))


@models.command()
@click.argument("name")
def show(name: str) -> None:
    """Show a version's manifest, with its files checked."""
    from classifier.version_files import read_manifest
    from db import open_database, versions

    settings = get_settings()
    with open_database(settings).reading() as session:
        name = versions.present_version(session, versions.named(session, name)).name
    manifest = read_manifest(settings.resolved_models_dir / name)
    click.echo(manifest.model_dump_json(indent=2))


@models.command()
@click.argument("name")
@JSON
def calibrations(name: str, *, as_json: bool) -> None:
    """List the calibrations that were made for version NAME (paidan recalibrate), oldest first."""
    from db import calibrations as record
    from db import versions

    with opened_database(get_settings()) as database, database.reading() as session:
        name = versions.get_version(session, versions.named(session, name)).name
        counts = [one.id for one in record.in_force(session, name)[:1]]
        rows = [
            {
                "calibration": one.id,
                "in_force": one.id in counts,
                "created_at": one.created_at.isoformat(timespec="seconds"),
                "by": one.actor,
                "content": one.content,
                "facts": one.facts,
            }
            for one in record.list_calibrations(session, name)
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(_calibration_line(row))
    in_force = f"calibration {counts[0]}" if counts else "the calibration it was made with"
    click.echo(f"* {name} decides by {in_force}")


def _calibration_line(row: dict[str, Any]) -> str:
    content, facts = row["content"], row["facts"]
    mark = "*" if row["in_force"] else " "
    figures = "  ".join(
        f"{key} {content[key]:.4f}"
        for key in ("threshold", "coverage", "error", "error_target")
        if isinstance(content.get(key), float)
    )
    tickets = f"{facts.get('tickets', 0):,} tickets"
    return f"{mark} {row['calibration']}  {row['created_at']}  {figures}  {tickets}  {row['by']}"


@models.command()
@click.argument("name")
@click.option(
    "--force", is_flag=True, help="Promote it even if it is weak, or the gate refused it."
)
@BY
def promote(name: str, by: str, *, force: bool) -> None:
    """Make a version the champion: workers swap it in between two batches."""
    from db import open_database, versions
    from registry import champion

    settings = get_settings()
    database = open_database(settings)
    with database.reading() as session:
        name = versions.named(session, name)
    moved = champion.promote(database, name, settings.resolved_models_dir, actor=by, force=force)
    click.echo(f"champion: {moved.before or 'none'} -> {moved.now}")


@models.command()
@BY
def rollback(by: str) -> None:
    """Make the champion before the present one champion again; again goes back further."""
    from db import open_database
    from registry import champion

    settings = get_settings()
    moved = champion.rollback(open_database(settings), settings.resolved_models_dir, actor=by)
    click.echo(f"champion: {moved.before} -> {moved.now}")


for command in (compare, export, prune):
    models.add_command(command)

COMMANDS = (models,)
