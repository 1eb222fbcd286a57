"""Writes exported rows as CSV, TSV, JSONL or XLSX."""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

from core.errors import InputError
from paidan.cli.inert import ESCAPED, make_inert

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

Row = Mapping[str, Any]

# Excel's limits: rows a sheet with the header, and UTF-16 units a cell.
_SHEET_ROWS = 1_048_576
_CELL_UNITS = 32_767
# What XML cannot hold or changes, and what Excel takes for its way to write that (_x000D_).
_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def write_table(
    path: Path, rows: Iterable[Row], zone: ZoneInfo | None, *, delimiter: str, raw: bool
) -> int:
    """Write a CSV or TSV file; return the number of rows.

    Args:
        path: the file.
        rows: with the columns of ``db.export``.
        zone: of times, without their offset, as spreadsheets read them; None writes ISO 8601 in
            UTC.
        delimiter: between two fields.
        raw: leave formulas as they are.
    """
    from db.export_row import EXPORT_COLUMNS

    count = 0
    # Excel takes such a file for UTF-8 only with a byte order mark.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, (*EXPORT_COLUMNS, ESCAPED), delimiter=delimiter)
        writer.writeheader()
        for count, row in enumerate(rows, 1):  # noqa: B007  (the last one is the answer)
            flat = {name: _flat(value, zone) for name, value in row.items()}
            writer.writerow(flat if raw else make_inert(flat))
    return count


def write_jsonl(stream: TextIO, rows: Iterable[Row], zone: ZoneInfo | None) -> int:
    """Write an object a line; return the number of rows. Times have their offset."""
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  (the last one is the answer)
        values = {name: _with_offset(value, zone) for name, value in row.items()}
        stream.write(json.dumps(values, ensure_ascii=False) + "\n")
    return count


def write_xlsx(path: Path, rows: Iterable[Row], zone: ZoneInfo | None) -> tuple[int, int]:
    """Write a workbook with one sheet; return the numbers of rows and of cells that were cut.

    Texts are cells of the type text, so none is a formula and no id becomes a number. Local times
    are dates of the spreadsheet.

    Raises:
        InputError: there are more rows than a sheet holds.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    from db.export_row import EXPORT_COLUMNS

    columns = (*EXPORT_COLUMNS, ESCAPED)
    book = Workbook(write_only=True)
    sheet: WriteOnlyWorksheet = book.create_sheet("tickets")
    sheet.freeze_panes = "A2"
    count = cut = 0
    try:
        sheet.append(columns)
        for count, row in enumerate(rows, 1):
            if count >= _SHEET_ROWS:
                raise InputError(
                    f"more than {_SHEET_ROWS - 1:,} tickets: a sheet of an .xlsx file holds no "
                    "more. Choose some with --status, --source, --since or --until, or write .csv"
                )
            values = [_cell_value(row.get(name), zone) for name in columns]
            fitting = [_fitting(value) if isinstance(value, str) else value for value in values]
            cut += sum(kept is not value for kept, value in zip(fitting, values, strict=True))
            cells = [
                _as_text(WriteOnlyCell(sheet), value) if isinstance(value, str) else value
                for value in fitting
            ]
            sheet.append(cells)
    finally:
        sheet.close()  # it writes to a temporary file
    book.save(path)
    return count, cut


def _cell_value(value: Any, zone: ZoneInfo | None) -> Any:
    """Return what a cell holds; a local time is a date of the spreadsheet."""
    if isinstance(value, datetime) and zone is not None:
        return _local(value, zone)
    return _flat(value, zone)


def _as_text(cell: "WriteOnlyCell", text: str) -> "WriteOnlyCell":
    cell.value = _NO_XML.sub(lambda found: f"_x{ord(found.group()):04X}_", text)
    cell.data_type = "s"  # not "f", which openpyxl gives to what begins with "="
    return cell


def _fitting(text: str) -> str:
    """Cut a text to what a cell holds, with a mark that says how long it was."""
    if len(text) * 2 <= _CELL_UNITS:  # a character has two units at most
        return text
    units = text.encode("utf-16-le")
    if len(units) // 2 <= _CELL_UNITS:
        return text
    mark = f"… [cut: {len(text):,} characters]"
    kept = units[: (_CELL_UNITS - len(mark)) * 2].decode("utf-16-le", "ignore")
    return kept + mark


def _flat(value: Any, zone: ZoneInfo | None) -> Any:
    """Return what a field of a table holds: objects are JSON, a time is text."""
    if isinstance(value, datetime):
        return _iso(value) if zone is None else str(_local(value, zone))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def _with_offset(value: Any, zone: ZoneInfo | None) -> Any:
    return _iso(value, zone or UTC) if isinstance(value, datetime) else value


def _iso(time: datetime, zone: Any = UTC) -> str:
    return time.astimezone(zone).isoformat(timespec="milliseconds")


def _local(time: datetime, zone: ZoneInfo) -> datetime:
    return time.astimezone(zone).replace(tzinfo=None, microsecond=0)
