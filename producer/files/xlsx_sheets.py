"""Which sheet of a workbook is read: the one named, else the first visible one that has rows."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from core.errors import InputError
from producer.files.column_names import same_name
from producer.files.xlsx_cells import NumberedCells, read_cells


def choose_sheet(path: Path, book: Any, wanted: str | None) -> tuple[Iterator[NumberedCells], bool]:
    """Return the cells of the sheet to read, and whether further visible sheets have some.

    Args:
        path: for messages.
        book: openpyxl's, read-only.
        wanted: a sheet's name; None takes the first visible one with rows.

    Raises:
        InputError: there is no such sheet, or no visible one has rows.
    """
    sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "_get_source")]
    if wanted is not None:
        return read_cells(path, book, _named(path, sheets, wanted)), False
    chosen: Iterator[NumberedCells] | None = None
    for sheet in sheets:
        if sheet.sheet_state != "visible":
            continue
        cells = read_cells(path, book, sheet)
        first = next(cells, None)
        if first is None:
            continue
        if chosen is not None:
            return chosen, True
        chosen = chain([first], cells)
    if chosen is None:
        raise InputError(f"{path}: no visible sheet has rows; name a hidden one with --sheet")
    return chosen, False


def _named(path: Path, sheets: list[Any], wanted: str) -> Any:
    named = [s for s in sheets if s.title == wanted] or [
        s for s in sheets if same_name(s.title, wanted)
    ]
    if not named:
        titles = ", ".join(repr(sheet.title) for sheet in sheets)
        raise InputError(f"{path}: there is no sheet {wanted!r}; its sheets are {titles}")
    return named[0]
