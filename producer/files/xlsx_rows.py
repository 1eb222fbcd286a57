"""Rows of an Excel workbook, streamed with openpyxl's parser."""

import re
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from core.errors import InputError
from producer.files.column_names import same_name
from producer.files.header import ABOVE_NOTE, HEADER_RECORDS, Header, find_header, is_blank
from producer.files.rows import Row

# What a workbook may unpack to. XML of real tables shrinks to a tenth or a thirtieth.
_MAX_BYTES = 4 << 30
_MAX_STRINGS_BYTES = 512 << 20  # the table of texts is held in memory
_BOMB_BYTES = 16 << 20
_BOMB_RATIO = 200
_BATCH_ROWS = 256
# Excel keeps 15 digits of a number; what is longer has lost its end, and stays a float to show it.
_EXACT = 10**15
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_SHEETS_NOTE = "only the first sheet with rows was read; name another with --sheet"
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    EOFError,
    OSError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,  # defusedxml's refusals too
    AttributeError,
    NotImplementedError,
    RuntimeError,
)


class _Fault(str):
    """Stands in a cell that has no value to take: what is wrong with it."""

    __slots__ = ()


_Cells = tuple[int, list[Any]]


def read_xlsx(
    path: Path, stream: BinaryIO, sheet: str | None, used: Collection[str]
) -> Iterator[Row]:
    """Read one sheet: the one named, else the first visible one that has rows.

    Dates are ``datetime`` values, whole numbers ``int``; a formula counts by the value that Excel
    stored with it. An error cell or a formula without a value is a fault of its column.

    Raises:
        InputError: the workbook is damaged or too large, or has no such sheet or no rows.
    """
    _check_size(path, stream)
    with _refusing_damage(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openpyxl import load_workbook

        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    try:
        cells, others = _choose(path, book, sheet)
        yield from _rows(path, cells, used, (_SHEETS_NOTE,) if others else ())
    finally:
        book.close()


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _FAULTS as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise InputError(
            f"{path}: a damaged workbook ({type(cause).__name__}: {str(cause)[:120]}); open it in "
            "Excel and save it again"
        ) from error


def _check_size(path: Path, stream: BinaryIO) -> None:
    """Refuse what unpacks to far more than a table of its size: zipfile never reads on beyond."""
    with _refusing_damage(path), zipfile.ZipFile(stream) as archive:
        parts = archive.infolist()
    stream.seek(0)
    total = sum(part.file_size for part in parts)
    for part in parts:
        ratio = part.file_size / max(1, part.compress_size)
        strings = part.filename.endswith("sharedStrings.xml") and part.file_size
        bomb = part.file_size > _BOMB_BYTES and ratio > _BOMB_RATIO
        if bomb or total > _MAX_BYTES or strings > _MAX_STRINGS_BYTES:
            raise InputError(
                f"{path}: unpacks to {total >> 20:,} MiB, more than a workbook may; save the table "
                "as CSV (UTF-8)"
            )


def _choose(path: Path, book: Any, wanted: str | None) -> tuple[Iterator[_Cells], bool]:
    """Return the cells of the sheet to read, and whether further visible sheets have some."""
    sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "_get_source")]
    if wanted is not None:
        named = [s for s in sheets if s.title == wanted] or [
            s for s in sheets if same_name(s.title, wanted)
        ]
        if not named:
            titles = ", ".join(repr(sheet.title) for sheet in sheets)
            raise InputError(f"{path}: there is no sheet {wanted!r}; its sheets are {titles}")
        return _cells(path, book, named[0]), False
    chosen: Iterator[_Cells] | None = None
    for sheet in sheets:
        if sheet.sheet_state != "visible":
            continue
        cells = _cells(path, book, sheet)
        first = next(cells, None)
        if first is None:
            continue
        if chosen is not None:
            return chosen, True
        chosen = chain([first], cells)
    if chosen is None:
        raise InputError(f"{path}: no visible sheet has rows; name a hidden one with --sheet")
    return chosen, False


def _cells(path: Path, book: Any, sheet: Any) -> Iterator[_Cells]:
    """Yield the rows that are not blank, as their number and their cells from column A on."""
    with _refusing_damage(path), sheet._get_source() as source:
        rows = _parser(book, sheet, source).parse()
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                batch = list(islice(rows, _BATCH_ROWS))
            if not batch:
                return
            for number, row in batch:
                cells: list[Any] = []
                for cell in row:
                    cells += [None] * (cell["column"] - 1 - len(cells))
                    cells.append(_value(cell))
                if not all(map(is_blank, cells)):
                    yield number, cells


def _parser(book: Any, sheet: Any, source: Any) -> Any:
    """Return openpyxl's parser of a sheet, which says where a formula has no stored value."""
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    class Parser(WorkSheetParser):  # type: ignore[misc, unused-ignore]
        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            if cell["value"] is None and element.find(FORMULA_TAG) is not None:
                cell["value"] = _Fault(
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
        return _Fault(f"the cell holds the error {value}")
    if isinstance(value, _Fault) or value is None:
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


def _rows(
    path: Path, cells: Iterator[_Cells], used: Collection[str], notes: tuple[str, ...]
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
            if isinstance(cell, _Fault)
        }
        if faults:
            row = [None if isinstance(cell, _Fault) else cell for cell in row]
        # A workbook leaves blank cells out, so a short row is nothing to note.
        yield Row(number, header.row(number, row, None).values, notes=notes, faults=faults)
        notes = ()
