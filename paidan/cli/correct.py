"""``paidan correct``: people's decisions, out of a file."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import InputError
from core.names import is_blank_unit
from core.settings import get_settings
from paidan.cli.inert import ESCAPED, as_stored, without_mark
from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    FILE,
    PARTLY,
    REJECTS,
    SHEET,
    SOURCE,
    Rejects,
    default_rejects,
    opened_database,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db import Database
    from db.corrections import Outcome
    from db.models import Ticket
    from producer.files.rows import Row

_FIELDS = ("external_id", "unit", "source")
# How a row counts, beside "confirm" and "correct".
_UNDECIDED, _BEFORE, _REPEATED = "not decided", "decided before", "repeats the model"
# No database holds these.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SHOWN = 5
# In these files every text stands as it is stored.
_JSON = (".json", ".jsonl", ".ndjson")


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
) -> int:
    """Enter people's decisions: FILE has external_id and unit (code or name).

    FILE is an export whose column 'unit' people have filled in, or a file of your own. A row whose
    unit is blank is not decided. A row that repeats the unit to which the model routed its ticket
    is no decision either, unless --confirm says so.
    """
    from producer.files.reader import read_rows

    _check_columns(columns, confirm=confirm)
    settings = get_settings()
    refused = Rejects(file, rejects or default_rejects(settings, file))
    used = {columns.get(name, name) for name in _FIELDS}
    with opened_database(settings) as database:
        decisions = _Decisions(database, file, source, columns, by, confirm)
        try:
            for row in read_rows(file, encoding=encoding, sheet=sheet, used=used):
                problem = row.problem or decisions.enter(row)
                if problem is not None:
                    refused.add(row.line, "", problem, row.values)
            decisions.check(refused.count)
        finally:
            if decisions.counts or refused.count:
                decisions.report(refused.count)
                refused.report()
    return PARTLY if refused.count else 0


def _check_columns(columns: Mapping[str, str], *, confirm: bool) -> None:
    """Refuse unknown fields, and columns in which the export repeats what is decided already."""
    from db.export import EXPORT_COLUMNS, UNIT
    from producer.files.column_names import same_name

    for name in columns:
        if name not in _FIELDS:
            raise InputError(
                f"--column {name}=…: there is no field {name!r}; fields: {', '.join(_FIELDS)}"
            )
    column = columns.get("unit", UNIT)
    ours = [name for name in EXPORT_COLUMNS if name != UNIT and same_name(name, column)]
    if ours and not confirm:
        raise InputError(
            f"--column unit={column}: 'paidan export' writes that column, and what it writes is no "
            "person's decision. Fill in the column 'unit' and leave this option out; or say with "
            "--confirm that a person looked at every row"
        )


@dataclass
class _Decisions:
    """Enters a file's decisions one by one, and counts them."""

    database: "Database"
    file: Path
    source: str
    columns: Mapping[str, str]
    by: str
    confirm: bool
    counts: Counter[str] = field(default_factory=Counter)
    overruled: int = 0
    has_unit: bool = False
    names: tuple[str, ...] = ()

    def enter(self, row: "Row") -> str | None:
        """Enter one row's decision; return why it is refused, if it is."""
        is_json = self.file.suffix.lower() in _JSON
        exact = ESCAPED in row.values or is_json
        values = as_stored(row).values
        id_column, unit_column, source_column = (self._column(values, name) for name in _FIELDS)
        # A later object may leave out what others have, and what is not decided.
        if id_column is None and not (is_json and self.names):
            raise self._missing("external_id", values)
        if unit_column is None and not is_json:
            raise self._missing("unit", values)
        self.names = tuple(values)
        self.has_unit = self.has_unit or unit_column is not None
        unit = _text(values.get(unit_column)) if unit_column else ""
        if not unit:
            self.counts[_UNDECIDED] += 1
            return None
        external_id = _text(values.get(id_column)) if id_column else ""
        source = _text(values.get(source_column)) if source_column else ""
        if not external_id:
            return "the external_id is missing"
        if _UNSTORABLE.search(f"{external_id}{source}{unit}"):
            return "a NUL character or half a surrogate pair: the file is damaged"
        with self.database.writing() as session:
            return self._decide(
                session, row.line, (source or self.source, external_id), unit, exact
            )

    def _column(self, values: Mapping[str, Any], field: str) -> str | None:
        from producer.files.column_names import find_name

        return find_name(values, self._named(field))

    def _missing(self, field: str, names: Iterable[str]) -> InputError:
        return InputError(
            f"{self.file}: no column {self._named(field)!r} among {', '.join(map(repr, names))}; "
            f"name another with --column {field}=NAME"
        )

    def _named(self, field: str) -> str:
        return self.columns.get(field, field)

    def _decide(
        self, session: "Session", line: int, key: tuple[str, str], unit: str, exact: bool
    ) -> str | None:
        from db import corrections, taxonomy

        codes = taxonomy.resolve(session, {unit, without_mark(unit)})
        code = codes.get(unit) or codes.get(without_mark(unit))
        if code is None and is_blank_unit(unit):
            self.counts[_UNDECIDED] += 1
            return None
        if code is None:
            return f"unit {taxonomy.why_unresolved(session, unit)}"
        found = _find(session, key, exact=exact)
        if not found:
            try:
                found = _find_mended(session, key)
            except ValueError as error:
                return str(error)
        if not found:
            return f"no ticket {key[1]!r} of source {key[0]!r} is known"
        if len(found) > 1:
            return (
                f"{key[1]!r} may be a ticket of that id, or one whose apostrophe the export added: "
                "keep the export's column 'escaped'"
            )
        [ticket] = found
        if not self.confirm and corrections.repeats_model(session, ticket, code):
            self.counts[_REPEATED] += 1
            return None
        outcome = corrections.decide(session, ticket, code, actor=self.by)
        self.counts[outcome.how or _BEFORE] += 1
        if outcome.overruled is not None:
            self._tell_overruled(session, line, outcome, unit)
        return None

    def _tell_overruled(self, session: "Session", line: int, outcome: "Outcome", unit: str) -> None:
        from db.models import Unit

        self.overruled += 1
        if self.overruled <= _SHOWN:
            before = session.get(Unit, outcome.from_unit)
            click.echo(
                f"changed: {self.file}, line {line}: {outcome.overruled} had decided "
                f"{before.name if before else outcome.from_unit}, now {self.by} says {unit}",
                err=True,
            )

    def check(self, refused: int) -> None:
        """Refuse a file without rows, or in which nobody could have named a unit.

        Raises:
            InputError: it is one.
        """
        if not self.counts and not refused:
            raise InputError(f"{self.file}: there is no row in it")
        if self.counts[_UNDECIDED] and not self.has_unit:
            raise self._missing("unit", self.names)

    def report(self, refused: int) -> None:
        """Print how many rows did what."""
        counts = self.counts
        click.echo(
            f"corrected {counts['correct']:,}, confirmed {counts['confirm']:,}, "
            f"{_BEFORE} {counts[_BEFORE]:,}, {_UNDECIDED} {counts[_UNDECIDED]:,}, "
            f"refused {refused:,}"
        )
        if counts[_REPEATED]:
            click.echo(
                f"no decision: {counts[_REPEATED]:,} rows repeat the unit to which the model "
                "routed their ticket; who has looked at all of them enters them with --confirm"
            )
        if self.overruled:
            click.echo(f"decisions of other people changed: {self.overruled:,}")


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _find(session: "Session", key: tuple[str, str], *, exact: bool) -> "list[Ticket]":
    """Return the tickets that a row can mean: without the export's column, an apostrophe is open.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
    """
    from db import corrections

    source, external_id = key
    keys = {key} if exact else {key, (without_mark(source), without_mark(external_id))}
    tickets = (corrections.find_ticket(session, *each) for each in sorted(keys))
    return [ticket for ticket in tickets if ticket is not None]


COMMANDS = (correct,)


def _find_mended(session: "Session", key: tuple[str, str]) -> "list[Ticket]":
    """Return the ticket whose id a spreadsheet has changed, as ``push`` would read it.

    Raises:
        RuinedIdError: the id has lost its digits.
    """
    from db import corrections
    from producer.tickets.ids import read_id

    source, external_id = key
    mended, _ = read_id(external_id)
    ticket = corrections.find_ticket(session, source, mended) if mended else None
    return [] if ticket is None else [ticket]
