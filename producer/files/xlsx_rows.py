"""Rows of an Excel workbook."""

import warnings
from collections.abc import Collection, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from producer.files.header import ABOVE_NOTE, Header
from producer.files.header_search import HEADER_RECORDS, find_header
from producer.files.rows import Row
from producer.files.xlsx_cells import CellFault, NumberedCells
from producer.files.xlsx_damage import check_size, refusing_damage
from producer.files.xlsx_sheets import choose_sheet

SHEETS_NOTE = "only the first sheet with rows was read; name another with --sheet"


def read_xlsx(
    path: Path, stream: BinaryIO, sheet: str | None, used: Collection[str]
) -> Iterator[Row]:
    """Read one sheet: the one named, else the first visible one that has rows.

    Dates are ``datetime`` values, whole numbers ``int``; a formula counts by the value that Excel
    stored with it. An error cell or a formula without a value is a fault of its column.

    Raises:
        InputError: the workbook is damaged or too large, or has no such sheet or no rows.
    """
    check_size(path, stream)
    with refusing_damage(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openpyxl import load_workbook

        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    try:
        cells, others = choose_sheet(path, book, sheet)
        yield from _rows(path, cells, used, (SHEETS_NOTE,) if others else ())
    finally:
        book.close()


def _rows(
    path: Path, cells: Iterator[NumberedCells], used: Collection[str], notes: tuple[str, ...]
) -> Iterator[Row]:
    first = list(islice(cells, HEADER_RECORDS))
    index = find_header([row for _, row in first], used)
    line, names = first[index]
    header = Header(path, line, names, used, strict=False)
    if index:
        notes = (ABOVE_NOTE, *notes)
    for number, row in chain(first[index + 1 :], cells):
        if header.repeats(row):
            continue
        faults = {
            header.key(column): str(cell)
            for column, cell in enumerate(row)
            if isinstance(cell, CellFault)
        }
        if faults:
            row = [None if isinstance(cell, CellFault) else cell for cell in row]
        # A workbook leaves blank cells out, so a short row is nothing to note.
        yield Row(number, header.row(number, row, None).values, notes=notes, faults=faults)
        notes = ()
