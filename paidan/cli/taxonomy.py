"""``paidan units``: the handling units."""

from pathlib import Path

import click

from paidan.cli.options import BY, ENCODING, FILE, JSON, print_json
from paidan.errors import InputError
from paidan.settings import get_settings


@click.group()
def units() -> None:
    """Import and list handling units."""


@units.command("import")
@FILE
@ENCODING
@BY
def import_(file: Path, encoding: str | None, by: str) -> None:
    """Import units from FILE: code, name, responsibilities, parent, status, merged_into."""
    from db import open_database, taxonomy
    from producer.readers import read_rows

    records = []
    for row in read_rows(file, encoding=encoding):
        place = f"{file}, line {row.line}"
        if row.problem:
            raise InputError(f"{place}: {row.problem}")
        values = {k: str(v).strip() for k, v in row.values.items() if v is not None}
        if not values.get("name"):
            raise InputError(f"{place}: the name is missing (columns: {', '.join(row.values)})")
        merged = values.get("merged_into") or None
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
                parent=values.get("parent") or None,
                status=status,
                merged_into=merged,
            )
        )
    if not records:
        raise InputError(f"{file}: there is no unit in it")
    with open_database(get_settings()).writing() as session:
        done = taxonomy.import_units(session, records, actor=by)
    click.echo(
        f"{done.added} units added, {done.changed} changed, {done.unchanged} as before; "
        f"taxonomy version {done.version}"
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


COMMANDS = (units,)
