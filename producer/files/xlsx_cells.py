"""Cells of a sheet, streamed with openpyxl's parser, and what each is worth."""

import re
import warnings
from collections.abc import Iterator
from datetime import time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from producer.files.cells import is_empty
from producer.files.xlsx_damage import refusing_damage

_BATCH_ROWS = 256
# Excel keeps 15 digits of a number; what is longer has lost its end, and stays a float to show it.
_EXACT = 10**15
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")

NumberedCells = tuple[int, list[Any]]  # the row's number, its cells from column A on


class CellFault(str):
    """Stands in a cell that has no value to take: what is wrong with it."""

    __slots__ = ()


def read_cells(path: Path, book: Any, sheet: Any) -> Iterator[NumberedCells]:
    """Yield the rows that are not blank.

    Raises:
        InputError: the workbook is damaged.
    """
    with refusing_damage(path), sheet._get_source() as source:
        rows = _parser(book, sheet, source).parse()
        while batch := _batch(rows):
            for number, row in batch:
                cells: list[Any] = []
                for cell in row:
                    cells += [None] * (cell["column"] - 1 - len(cells))
                    cells.append(_value(cell))
                if not all(map(is_empty, cells)):
                    yield number, cells


def _batch(rows: Iterator[Any]) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(islice(rows, _BATCH_ROWS))


def _parser(book: Any, sheet: Any, source: Any) -> Any:
    """Return openpyxl's parser of a sheet, which says where a formula has no stored value."""
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    class Parser(WorkSheetParser):  # type: ignore[misc, unused-ignore]
        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            if cell["value"] is None and element.find(FORMULA_TAG) is not None:
                cell["value"] = CellFault(
                    "the formula has no stored value: open the workbook in Excel and save it"
                )
            return cell

    return Parser(
        source,
        sheet._shared_strings,
        data_only=True,
        epoch=book.epoch,
        date_formats=book._date_formats,
        timedelta_formats=book._timedelta_formats,
    )


def _value(cell: dict[str, Any]) -> Any:
    """Return a cell's value as a row gives it."""
    value = cell["value"]
    if cell["data_type"] == "e":
        return CellFault(f"the cell holds the error {value}")
    if isinstance(value, CellFault) or value is None:
        return value
    if isinstance(value, str):
        # Excel writes control characters of a text, such as \r, as _x000D_.
        return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), value) if "_x" in value else value
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _EXACT:
        return float(value)
    if isinstance(value, time | timedelta):
        return str(value)
    return value
