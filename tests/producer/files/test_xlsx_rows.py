"""Rows of a workbook: below its header, blank ones left out."""

from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.header import ABOVE_NOTE
from producer.files.reader import read_rows
from producer.files.rows import Row
from tests.support.tables import save

COLUMNS = ("external_id", "text")


def test_titles_blank_rows_and_sparse_cells_are_taken(book_file: Path) -> None:
    rows = [
        ("2026年3月工单导出",),
        (),
        (*COLUMNS, "district"),
        (),
        ("1", "漏水"),
        ("2", "停水", "南区"),
    ]
    save(book_file, ("a", rows))

    first, second = read_rows(book_file)

    assert first == Row(
        5, {"external_id": "1", "text": "漏水", "district": None}, notes=(ABOVE_NOTE,)
    )
    assert second == Row(6, {"external_id": "2", "text": "停水", "district": "南区"})


def test_a_doubled_used_column_is_refused(book_file: Path) -> None:
    save(book_file, ("a", [("text", "text"), ("一", "二")]))

    with pytest.raises(InputError, match="column 'text' stands twice, as columns 1 and 2"):
        list(read_rows(book_file))
