"""Reads a file of handling units."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.names import is_blank

if TYPE_CHECKING:
    from db.taxonomy import UnitRecord
    from producer.files.rows import Row

FIELDS = ("code", "name", "responsibilities", "parent", "status", "merged_into", "split_into")
_NAMES_NOTHING_WHERE_BLANK = ("code", "status", "parent", "merged_into", "split_into")
# What a file calls a unit that was split; the record has it retired, with its parts.
SPLIT = "split"
# Between the codes of parts.
_SEPARATORS = re.compile("[;；、]")


def read_units(
    file: Path, columns: Mapping[str, str], encoding: str | None, sheet: str | None
) -> "list[UnitRecord]":
    """Read a file's units.

    Args:
        file: the units.
        columns: field to column name, where they differ.
        encoding: of the file, None to recognise it.
        sheet: of a workbook, None for the first with rows.

    Raises:
        InputError: it holds no unit, or one that cannot be taken; names file and line.
    """
    from producer.files.reader import read_rows

    if unknown := next((field for field in columns if field not in FIELDS), None):
        raise InputError(f"--column {unknown}=…: a unit has the fields {', '.join(FIELDS)}")
    wanted = {field: columns.get(field, field) for field in FIELDS}
    records: list[UnitRecord] = []
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
        records.append(_record(place, row, values))
    if not records:
        raise InputError(f"{file}: there is no unit in it")
    return records


def _record(place: str, row: "Row", values: dict[str, str]) -> "UnitRecord":
    from db import taxonomy

    if not values.get("name"):
        raise InputError(f"{place}: the name is missing (columns: {', '.join(row.values)})")
    for role in _NAMES_NOTHING_WHERE_BLANK:
        if is_blank(values.get(role, "")):
            values.pop(role, None)
    merged = values.get("merged_into")
    parts = tuple(part.strip() for part in _SEPARATORS.split(values.get("split_into", "")))
    parts = tuple(part for part in parts if part)
    implied = "merged" if merged else SPLIT if parts else "active"
    status = values.get("status") or implied
    if status not in (*taxonomy.STATUSES, SPLIT):
        known = ", ".join((*taxonomy.STATUSES, SPLIT))
        raise InputError(f"{place}: status {status!r} is none of {known}")
    if status == SPLIT and not parts:
        raise InputError(f"{place}: status 'split' needs split_into, the codes of the parts")
    return taxonomy.UnitRecord(
        code=values.get("code") or values["name"],
        name=values["name"],
        responsibilities=values.get("responsibilities", ""),
        parent=values.get("parent"),
        status="retired" if status == SPLIT else status,
        merged_into=merged,
        split_into=parts,
        place=f"line {row.line}",
    )


def _values(row: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return a unit's fields as text, out of the columns that hold them."""
    from producer.files.column_names import find_name

    found = {field: find_name(row, column) for field, column in wanted.items()}
    return {field: _text(row[column]) for field, column in found.items() if column is not None}


def _text(value: Any) -> str:
    """Return a cell as text; JSON may have parts as a list."""
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value).strip()
