"""``paidan units``: the handling units."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import InputError, ModelVersionError, StorageError, TaxonomyError
from core.names import is_blank, spelled
from core.settings import Settings, get_settings
from paidan.cli.options import BY, COLUMN, ENCODING, FILE, JSON, SHEET, print_json

if TYPE_CHECKING:
    from db import Database


_FIELDS = ("code", "name", "responsibilities", "parent", "status", "merged_into")


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
    """Import units from FILE: code, name, responsibilities, parent, status, merged_into."""
    from db import open_database, taxonomy
    from producer.files.reader import read_rows

    if unknown := next((field for field in columns if field not in _FIELDS), None):
        raise InputError(f"--column {unknown}=…: a unit has the fields {', '.join(_FIELDS)}")
    wanted = {field: columns.get(field, field) for field in _FIELDS}
    records: list[taxonomy.UnitRecord] = []
    for row in read_rows(file, encoding=encoding, sheet=sheet, used=wanted.values()):
        place = f"{file}, line {row.line}"
        if row.problem:
            raise InputError(f"{place}: {row.problem}")
        values = _values(row.values, wanted)
        absent = next((field for field in columns if field not in values), None)
        if absent and not records:  # a later object of a JSON file may lack a field
            raise InputError(
                f"{place}: no column {columns[absent]!r} among {', '.join(map(repr, row.values))}"
            )
        if not values.get("name"):
            raise InputError(f"{place}: the name is missing (columns: {', '.join(row.values)})")
        for role in ("code", "status", "parent", "merged_into"):
            if is_blank(values.get(role, "")):
                values.pop(role, None)
        merged = values.get("merged_into")
        status = values.get("status") or ("merged" if merged else "active")
        if status not in taxonomy.STATUSES:
            raise InputError(
                f"{place}: status {status!r} is none of {', '.join(taxonomy.STATUSES)}"
            )
        records.append(
            taxonomy.UnitRecord(
                code=values.get("code") or values["name"],
                name=values["name"],
                responsibilities=values.get("responsibilities", ""),
                parent=values.get("parent"),
                status=status,
                merged_into=merged,
                place=f"line {row.line}",
            )
        )
    if not records:
        raise InputError(f"{file}: there is no unit in it")
    try:
        with open_database(get_settings()).writing() as session:
            done = taxonomy.import_units(session, records, actor=by)
    except TaxonomyError as error:
        raise TaxonomyError(f"{file}: {error}; nothing was imported") from error
    click.echo(
        f"{done.added} units added, {done.changed} changed, {done.unchanged} as before; "
        f"taxonomy version {done.version}"
    )


def _values(row: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return a unit's fields as text, out of the columns that hold them."""
    from producer.files.column_names import find_name

    found = {field: find_name(row, column) for field, column in wanted.items()}
    return {
        field: "" if row[column] is None else str(row[column]).strip()
        for field, column in found.items()
        if column is not None
    }


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
                "responsibilities": unit.responsibilities,
            }
            for unit in taxonomy.list_units(session, active_only=not everything)
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        gone = "" if row["status"] == "active" else f"  ({row['status']})"
        click.echo(f"{row['code']}\t{row['name']}{gone}")


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
        names = [version.name for version in versions.list_versions(session)]
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
