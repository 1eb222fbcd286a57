"""What a cell of a workbook is worth."""

import re
from datetime import datetime
from pathlib import Path

from producer.files.reader import read_rows
from producer.files.rows import Row
from tests.support.tables import (
    replace_in,
    save,
)

COLUMNS = ("external_id", "text")


def test_cells_come_as_what_they_are(book_file: Path) -> None:
    time = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001  (a workbook knows no zone)
    columns = (*COLUMNS, "received_at", "次数", "比例", "回访", "空")
    save(book_file, ("工单", [columns, (17, "漏水\n很大", time, 3.0, 0.5, True, None)]))

    [row] = read_rows(book_file)

    assert row == Row(
        2, dict(zip(columns, (17, "漏水\n很大", time, 3, 0.5, True, None), strict=True))
    )
    assert [type(row.values[name]) for name in ("external_id", "次数")] == [int, int]


def test_a_number_beyond_what_excel_keeps_shows_its_loss(book_file: Path) -> None:
    save(book_file, ("a", [COLUMNS, (110101199001011237, "漏水"), (202603150001, "漏水")]))

    long, short = read_rows(book_file)

    assert re.fullmatch(r"1\.10101199001011\d*e\+17", str(long.values["external_id"]))
    assert short.values["external_id"] == 202603150001


def test_an_error_cell_costs_its_row_where_the_column_is_used(book_file: Path) -> None:
    columns = (*COLUMNS, "备注")
    save(book_file, ("a", [columns, ("1", "#N/A", "x"), ("2", "漏水", "#N/A"), ("3", "停水", "x")]))

    used, unused, clean = read_rows(book_file)

    assert used.line == 2
    assert used.problem == "text: the cell holds the error #N/A"
    assert (unused.problem, unused.values["备注"]) == (None, None)
    assert (clean.problem, clean.faults) == (None, {})


def test_a_formula_counts_by_its_stored_value_and_without_one_is_a_fault(book_file: Path) -> None:
    save(book_file, ("a", [COLUMNS, ("1", "=A2"), ("2", "=A3")]))
    replace_in(book_file, "xl/worksheets/sheet1.xml", b"<f>A2</f><v />", b"<f>A2</f><v>7</v>")

    stored, missing = read_rows(book_file)

    assert (stored.problem, stored.values["text"]) == (None, 7)
    assert missing.line == 3
    assert missing.problem is not None
    assert "text: the formula has no stored value" in missing.problem
