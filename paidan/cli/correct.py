"""``paidan correct``: people's decisions, out of a file."""

from collections.abc import Mapping
from pathlib import Path

import click

from core.errors import InputError
from core.settings import get_settings
from paidan.cli.decision_row import FIELDS, DecisionReader
from paidan.cli.decisions import UNDECIDED, Decisions
from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    FILE,
    PARTLY,
    REJECTS,
    SHEET,
    SOURCE,
    opened_database,
)
from paidan.cli.rejects import Rejects


@click.command()
@FILE
@SOURCE
@COLUMN
@ENCODING
@SHEET
@REJECTS
@BY
@click.option(
    "--confirm",
    is_flag=True,
    help="Who is named by --by has looked at every row: a unit like the model's confirms it.",
)
@click.option(
    "--blind",
    is_flag=True,
    help="FILE is of 'paidan export --blind': each row is an answer of who saw no unit.",
)
def correct(
    file: Path,
    source: str,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    rejects: Path | None,
    by: str,
    *,
    confirm: bool,
    blind: bool,
) -> int:
    """Enter people's decisions: FILE has external_id and unit (code or name).

    FILE is an export whose column 'unit' people have filled in, or a file of your own. A row whose
    unit is blank is not decided. A row that repeats the unit to which the model routed its ticket
    is no decision either, unless --confirm says so.
    """
    from producer.files.reader import read_rows

    _check_options(columns, confirm=confirm, blind=blind)
    settings = get_settings()
    refused = Rejects.of(file, rejects, settings)
    reader = DecisionReader(file, columns)
    with opened_database(settings) as database:
        decisions = Decisions(database, file, source, by, confirm, blind)
        try:
            for row in read_rows(file, encoding=encoding, sheet=sheet, used=reader.used()):
                problem = row.problem or decisions.enter(reader.read(row))
                if problem is not None:
                    refused.add(row.line, "", problem, row.values)
            if not decisions.counts and not refused.count:
                raise InputError(f"{file}: there is no row in it")
            if decisions.counts[UNDECIDED]:
                reader.check_units()
        finally:
            if decisions.counts or refused.count:
                decisions.report(refused.count)
                refused.report()
    return PARTLY if refused.count else 0


def _check_options(columns: Mapping[str, str], *, confirm: bool, blind: bool) -> None:
    """Refuse unknown fields, and columns in which the export repeats what is decided already."""
    from db.export_row import EXPORT_COLUMNS, UNIT
    from producer.files.column_names import same_name

    if blind and confirm:
        raise click.UsageError("--blind and --confirm: who confirms an answer has seen it")
    for name in columns:
        if name not in FIELDS:
            raise InputError(
                f"--column {name}=…: there is no field {name!r}; fields: {', '.join(FIELDS)}"
            )
    column = columns.get("unit", UNIT)
    ours = [name for name in EXPORT_COLUMNS if name != UNIT and same_name(name, column)]
    if ours and not confirm:
        raise InputError(
            f"--column unit={column}: 'paidan export' writes that column, and what it writes is no "
            "person's decision. Fill in the column 'unit' and leave this option out; or say with "
            "--confirm that a person looked at every row"
        )


COMMANDS = (correct,)
