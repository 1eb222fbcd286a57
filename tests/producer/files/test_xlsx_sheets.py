"""Which sheet of a workbook is read."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from core.errors import InputError
from producer.files.reader import read_rows
from producer.files.xlsx_rows import SHEETS_NOTE
from tests.support.tables import (
    save,
)

COLUMNS = ("external_id", "text")


def test_the_first_visible_sheet_with_rows_is_read_unless_one_is_named(book_file: Path) -> None:
    book = Workbook()
    book.active.title = "空"
    for title, state in (("隐藏", "hidden"), ("一月", "visible"), ("二月", "visible")):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        sheet.append(COLUMNS)
        sheet.append(("1", title))
    book.save(book_file)

    def texts(sheet: str | None) -> list[str]:
        return [row.values["text"] for row in read_rows(book_file, sheet=sheet)]

    assert texts(None) == ["一月"]
    assert next(iter(read_rows(book_file))).notes == (SHEETS_NOTE,)
    assert texts("二月") == ["二月"]
    assert texts("隐藏") == ["隐藏"]
    with pytest.raises(InputError, match="no sheet '三月'; its sheets are '空', '隐藏', '一月'"):
        texts("三月")


def test_a_workbook_without_rows_is_refused(book_file: Path) -> None:
    save(book_file, ("a", []))

    with pytest.raises(InputError, match="no visible sheet has rows"):
        list(read_rows(book_file))
