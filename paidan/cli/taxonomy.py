"""``paidan units``: the handling units."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import ModelVersionError, StorageError, TaxonomyError
from core.names import spelled
from core.settings import Settings, get_settings
from paidan.cli.options import BY, COLUMN, ENCODING, FILE, JSON, SHEET, print_json
from paidan.cli.unit_file import read_units

if TYPE_CHECKING:
    from db import Database


@click.group()
def units() -> None:
    """Import, list and remove handling units."""


@units.command("import")
@FILE
@COLUMN
@ENCODING
@SHEET
@BY
def import_(
    file: Path, columns: dict[str, str], encoding: str | None, sheet: str | None, by: str
) -> None:
    """Import units from FILE: code, name, responsibilities, parent, status and successors.

    A status is active, retired, merged (merged_into has the unit that took it over) or split
    (split_into has the codes of its parts, with ; between them).
    """
    from db import open_database, taxonomy

    records = read_units(file, columns, encoding, sheet)
    try:
        with open_database(get_settings()).writing() as session:
            done = taxonomy.import_units(session, records, actor=by)
    except TaxonomyError as error:
        raise TaxonomyError(f"{file}: {error}; nothing was imported") from error
    click.echo(
        f"{done.added} units added, {done.changed} changed, {done.unchanged} as before; "
        f"taxonomy version {done.version}"
    )
    for name, before, now in done.passed_on:
        click.echo(
            f"note: the name {spelled(name)} went over from unit {spelled(before)} to unit "
            f"{spelled(now)}: exports and files of before that have it count for {spelled(now)} "
            "from now on; use codes there",
            err=True,
        )


@units.command("list")
@click.option("--all", "everything", is_flag=True, help="Retired and merged units too.")
@JSON
def list_(*, everything: bool, as_json: bool) -> None:
    """List the units."""
    from db import open_database, taxonomy

    with open_database(get_settings()).reading() as session:
        rows = [
            {
                "code": unit.code,
                "name": unit.name,
                "parent": unit.parent_code,
                "status": unit.status,
                "merged_into": unit.merged_into,
                "split_into": unit.split_into or [],
                "responsibilities": unit.responsibilities,
            }
            for unit in taxonomy.list_units(session, active_only=not everything)
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['code']}\t{row['name']}{_gone(row)}")


def _gone(row: dict[str, Any]) -> str:
    """Return what became of a unit that is not active."""
    if row["status"] == "active":
        return ""
    if row["split_into"]:
        return f"  (split into {', '.join(row['split_into'])})"
    return f"  (merged into {row['merged_into']})" if row["merged_into"] else "  (retired)"


@units.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option(
    "--look-alikes",
    is_flag=True,
    help="All unused units whose names look like that of a unit that stays.",
)
@BY
def remove(codes: tuple[str, ...], by: str, *, look_alikes: bool) -> None:
    """Remove units that nothing refers to: no ticket, answer, decision, version, other unit."""
    from db import open_database, unit_removal

    if bool(codes) == look_alikes:
        raise click.UsageError("name codes, or --look-alikes")
    settings = get_settings()
    database = open_database(settings)
    learned = _learned(database, settings)
    left: list[list[str]] = []
    with database.writing() as session:
        if look_alikes:
            removed, left = unit_removal.remove_look_alikes(session, learned, actor=by)
        else:
            removed = [unit_removal.remove_unit(session, c, learned, actor=by) for c in codes]
    for code in removed:
        click.echo(f"removed {spelled(code)}")
    for group in left:
        click.echo(
            f"in use, and still alike: {', '.join(map(spelled, group))}; import all but one with "
            "the status 'merged' and that one as merged_into",
            err=True,
        )
    if not removed:
        click.echo("no unit was removed")


def _learned(database: "Database", settings: Settings) -> dict[str, list[str]]:
    """Return the registered versions that learned each unit; tell those that cannot be read."""
    from classifier.version_files import read_manifest
    from db import versions

    with database.reading() as session:
        there = [v for v in versions.list_versions(session) if v.pruned_at is None]
        names = [version.name for version in there]
    learned: dict[str, list[str]] = {}
    for name in names:
        try:
            manifest = read_manifest(settings.resolved_models_dir / name, verify=False)
        except (ModelVersionError, StorageError) as error:
            click.echo(f"note: what version {name} learned is unknown ({error})", err=True)
            continue
        for code in manifest.codes:
            learned.setdefault(code, []).append(name)
    return learned


COMMANDS = (units,)
