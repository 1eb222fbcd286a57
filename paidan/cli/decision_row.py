"""Reads people's decisions out of the rows of a file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from paidan.cli.inert import ESCAPED, as_stored

if TYPE_CHECKING:
    from producer.files.rows import Row

FIELDS = ("external_id", "unit", "source")
# No database holds these.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# In these files every text stands as it is stored.
_JSON = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a row says: this ticket goes to that unit.

    Attributes:
        line: where the row begins.
        source: of the ticket, "" where the row names none.
        external_id: of the ticket, "" where the row names none.
        unit: the unit's code or name, "" where none is named.
        exact: whether ids stand as they are stored, not with an apostrophe for a spreadsheet.
    """

    line: int
    source: str
    external_id: str
    unit: str
    exact: bool

    @property
    def problem(self) -> str | None:
        """Why it cannot be entered, if it cannot."""
        if not self.external_id:
            return "the external_id is missing"
        if UNSTORABLE.search(f"{self.external_id}{self.source}{self.unit}"):
            return "a NUL character or half a surrogate pair: the file is damaged"
        return None


class DecisionReader:
    """Reads a file's rows one by one, and remembers which columns there were.

    Args:
        file: the input, for messages and its kind.
        columns: field to column name, where they differ.

    Attributes:
        is_json: whether a row may leave out what others have.
    """

    def __init__(self, file: Path, columns: Mapping[str, str]) -> None:
        self._file = file
        self._columns = columns
        self.is_json = file.suffix.lower() in _JSON
        self._names: tuple[str, ...] = ()
        self._has_unit = False

    def used(self) -> set[str]:
        """Return the names of the columns that are read."""
        return {self._named(field) for field in FIELDS}

    def read(self, row: "Row") -> Decision:
        """Return what a row says.

        Raises:
            InputError: the file has no column of ids, or none of units.
        """
        exact = ESCAPED in row.values or self.is_json
        values = as_stored(row).values
        id_column, unit_column, source_column = (self._column(values, name) for name in FIELDS)
        # A later object may leave out what others have, and what is not decided.
        if id_column is None and not (self.is_json and self._names):
            raise self._missing("external_id", values)
        if unit_column is None and not self.is_json:
            raise self._missing("unit", values)
        self._names = tuple(values)
        self._has_unit = self._has_unit or unit_column is not None
        source, external_id, unit = (
            _text(values.get(column)) if column else ""
            for column in (source_column, id_column, unit_column)
        )
        return Decision(row.line, source, external_id, unit, exact)

    def check_units(self) -> None:
        """Refuse a file in which nobody could have named a unit.

        Raises:
            InputError: it is one.
        """
        if not self._has_unit:
            raise self._missing("unit", self._names)

    def _column(self, values: Mapping[str, Any], field: str) -> str | None:
        from producer.files.column_names import find_name

        return find_name(values, self._named(field))

    def _missing(self, field: str, names: Iterable[str]) -> InputError:
        return InputError(
            f"{self._file}: no column {self._named(field)!r} among "
            f"{', '.join(map(repr, names))}; name another with --column {field}=NAME"
        )

    def _named(self, field: str) -> str:
        return self._columns.get(field, field)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
