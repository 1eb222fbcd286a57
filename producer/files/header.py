"""The header of a table, and how its records become rows: the same for text and workbooks."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from producer.files.cells import is_empty, width_of
from producer.files.column_names import column_key
from producer.files.rows import Row

ABOVE_NOTE = "rows above the header were left out"
SHORT_NOTE = "the row has fewer fields than the header: the missing ones were taken as empty"


class Header:
    """The columns of a table.

    Args:
        path: the file, for messages.
        line: where the header stands.
        cells: the header's cells.
        used: the columns that are going to be used; a doubled one is refused.
        strict: refuse values beyond the last named column: in CSV, a delimiter in a text that is
            not quoted puts them there.

    Raises:
        InputError: there is no column name, or a used column stands twice.
    """

    def __init__(
        self,
        path: Path,
        line: int,
        cells: Sequence[Any],
        used: Collection[str],
        *,
        strict: bool = True,
    ) -> None:
        self.width = width_of(cells)
        if not self.width:
            raise InputError(f"{path}, line {line}: the header with the column names is missing")
        names = ["" if is_empty(cell) else str(cell).strip() for cell in cells[: self.width]]
        _check_doubled(path, line, names, used)
        self.cells = names
        self.keys = _keys(names)
        self._whole = all(names)
        self._strict = strict

    def repeats(self, record: Sequence[Any]) -> bool:
        """Say whether a record is the header once more, as where exports are joined."""
        return width_of(record) == self.width and self.cells == [
            "" if is_empty(cell) else str(cell).strip() for cell in record[: self.width]
        ]

    def row(self, line: int, record: Sequence[Any], blank: Any = "") -> Row:
        """Return the row of a record; ``blank`` stands in for fields left out."""
        count = len(record)
        if count == self.width and self._whole:
            return Row(line, dict(zip(self.keys, record, strict=True)))
        if count > self.width and (extra := width_of(record)) > self.width:
            if self._strict:
                reason = (
                    f"{extra} fields where the header has {self.width}: a delimiter or quote "
                    "inside a field needs quotes, or a column has no name"
                )
                return Row(line, self._values(record, blank), reason)
            count = extra
        notes = (SHORT_NOTE,) if count < self.width else ()
        return Row(line, self._values(record, blank), notes=notes)

    def key(self, index: int) -> str:
        """Return the name under which a column's value stands in ``Row.values``."""
        return self.keys[index] if index < self.width else _nameless(index)

    def _values(self, record: Sequence[Any], blank: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for index in range(max(self.width, width_of(record))):
            named = index < self.width and self.cells[index]
            value = record[index] if index < len(record) else blank
            if named or not is_empty(value):
                values[self.key(index)] = value
        return values


def _nameless(index: int) -> str:
    return f"column {index + 1}"


def _keys(names: Sequence[str]) -> list[str]:
    """Name each column once: the second 备注 is 备注 (2), a nameless one goes by its number."""
    keys: list[str] = []
    for index, name in enumerate(names):
        key, number = name or _nameless(index), 1
        while key in keys or (number > 1 and key in names):
            number += 1
            key = f"{name or _nameless(index)} ({number})"
        keys.append(key)
    return keys


def _check_doubled(path: Path, line: int, names: Sequence[str], used: Collection[str]) -> None:
    wanted = {column_key(name) for name in used}
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        if name:
            places.setdefault(column_key(name), []).append(index)
    for key, found in places.items():
        if len(found) > 1 and key in wanted:
            shown = " and ".join(str(index + 1) for index in found)
            raise InputError(
                f"{path}, line {line}: column {names[found[0]]!r} stands twice, as columns {shown}"
                ": rename or remove one"
            )
