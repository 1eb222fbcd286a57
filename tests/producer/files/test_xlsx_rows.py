"""Workbooks: which sheet, which header, what a cell is worth, and what is refused."""

import io
import re
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from core.errors import InputError
from producer.files.header import ABOVE_NOTE
from producer.files.reader import read_rows
from producer.files.rows import Row
from producer.files.xlsx_rows import SHEETS_NOTE

HEADER = ("external_id", "text")


@pytest.fixture
def book_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.xlsx"


def save(path: Path, *sheets: tuple[str, list[tuple[Any, ...]]]) -> Workbook:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return book


def replace_in(path: Path, part: str, old: bytes, new: bytes) -> None:
    """Change a part of a workbook as openpyxl would not write it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_cells_come_as_what_they_are(book_file: Path) -> None:
    time = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001  (a workbook knows no zone)
    columns = (*HEADER, "received_at", "次数", "比例", "回访", "空")
    save(book_file, ("工单", [columns, (17, "漏水\n很大", time, 3.0, 0.5, True, None)]))

    [row] = read_rows(book_file)

    assert row == Row(
        2, dict(zip(columns, (17, "漏水\n很大", time, 3, 0.5, True, None), strict=True))
    )
    assert [type(row.values[name]) for name in ("external_id", "次数")] == [int, int]


def test_a_number_beyond_what_excel_keeps_shows_its_loss(book_file: Path) -> None:
    save(book_file, ("a", [HEADER, (110101199001011237, "漏水"), (202603150001, "漏水")]))

    long, short = read_rows(book_file)

    assert re.fullmatch(r"1\.10101199001011\d*e\+17", str(long.values["external_id"]))
    assert short.values["external_id"] == 202603150001


def test_titles_blank_rows_and_sparse_cells_are_taken(book_file: Path) -> None:
    rows = [
        ("2026年3月工单导出",),
        (),
        (*HEADER, "district"),
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


def test_the_first_visible_sheet_with_rows_is_read_unless_one_is_named(book_file: Path) -> None:
    book = Workbook()
    book.active.title = "空"
    for title, state in (("隐藏", "hidden"), ("一月", "visible"), ("二月", "visible")):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        sheet.append(HEADER)
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


def test_an_error_cell_costs_its_row_where_the_column_is_used(book_file: Path) -> None:
    columns = (*HEADER, "备注")
    save(book_file, ("a", [columns, ("1", "#N/A", "x"), ("2", "漏水", "#N/A"), ("3", "停水", "x")]))

    used, unused, clean = read_rows(book_file)

    assert used.line == 2
    assert used.problem == "text: the cell holds the error #N/A"
    assert (unused.problem, unused.values["备注"]) == (None, None)
    assert (clean.problem, clean.faults) == (None, {})


def test_a_formula_counts_by_its_stored_value_and_without_one_is_a_fault(book_file: Path) -> None:
    save(book_file, ("a", [HEADER, ("1", "=A2"), ("2", "=A3")]))
    replace_in(book_file, "xl/worksheets/sheet1.xml", b"<f>A2</f><v />", b"<f>A2</f><v>7</v>")

    stored, missing = read_rows(book_file)

    assert (stored.problem, stored.values["text"]) == (None, 7)
    assert missing.line == 3
    assert missing.problem is not None
    assert "text: the formula has no stored value" in missing.problem


def test_a_doubled_used_column_is_refused(book_file: Path) -> None:
    save(book_file, ("a", [("text", "text"), ("一", "二")]))

    with pytest.raises(InputError, match="column 'text' stands twice, as columns 1 and 2"):
        list(read_rows(book_file))


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_workbook_cut_off_is_called_damaged(book_file: Path, kept: float) -> None:
    save(book_file, ("a", [HEADER, *((str(n), f"漏水{n}") for n in range(500))]))
    content = book_file.read_bytes()
    book_file.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(InputError, match="damaged"):
        list(read_rows(book_file))


def test_damage_inside_a_workbook_is_told_as_such(book_file: Path) -> None:
    save(book_file, ("a", [HEADER, ("1", "漏水")]))
    replace_in(book_file, "xl/worksheets/sheet1.xml", b"</row>", b"</rows>")

    with pytest.raises(InputError, match=r"a damaged workbook .* open it in Excel"):
        list(read_rows(book_file))


def test_entities_that_multiply_are_refused(book_file: Path) -> None:
    save(book_file, ("a", [HEADER, ("1", "漏水")]))
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet '
    replace_in(book_file, "xl/worksheets/sheet1.xml", b"<worksheet ", bomb)

    with pytest.raises(InputError, match=r"a damaged workbook .Entities"):
        list(read_rows(book_file))


def test_a_workbook_that_unpacks_to_far_too_much_is_refused_unread(book_file: Path) -> None:
    save(book_file, ("a", [HEADER, ("1", "漏水")]))
    replace_in(
        book_file, "xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData>" + b" " * (20 << 20)
    )

    with pytest.raises(InputError, match="unpacks to 20 MiB, more than a workbook may"):
        list(read_rows(book_file))


def test_a_workbook_without_rows_is_refused(book_file: Path) -> None:
    save(book_file, ("a", []))

    with pytest.raises(InputError, match="no visible sheet has rows"):
        list(read_rows(book_file))


@pytest.mark.parametrize("name", ["tickets.csv", "tickets.xls", "tickets.json"])
def test_a_workbook_under_another_name_is_called_one(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, ("a", [HEADER, ("1", "漏水")]))

    with pytest.raises(InputError, match=r"this is an Excel workbook; let its name end in \.xlsx"):
        list(read_rows(tmp_path / name))


def test_text_under_a_workbooks_name_is_told(book_file: Path) -> None:
    book_file.write_text("external_id,text\n1,漏水\n")

    with pytest.raises(InputError, match=r"this is no Excel workbook.*end in \.csv"):
        list(read_rows(book_file))


def test_a_sheet_cannot_be_named_of_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("external_id,text\n1,漏水\n")

    with pytest.raises(InputError, match="--sheet is for workbooks"):
        list(read_rows(tmp_path / "t.csv", sheet="a"))


def zip_with(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html><body><table><tr><td>text</td></tr></table>", "an HTML page"),
        (b"\n<!-- x -->\n<table border=1><tr><td>text", "an HTML page"),
        (b'<html xmlns:o="urn:schemas-microsoft-com:office:office">', "an HTML page"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook>', "this is XML; open it in Excel"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n",
            "a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'",
        ),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "an old Excel file; save it as .xlsx or CSV"),
        (
            b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"),
            "an Excel workbook with a password",
        ),
        (zip_with("content.xml", "mimetype"), "an OpenDocument file"),
        (zip_with("Index/Document.iwa"), "a Numbers file"),
        (zip_with("xl/workbook.bin"), "a binary Excel workbook"),
        (zip_with("word/document.xml", "[Content_Types].xml"), "a Word document"),
        (zip_with("tickets.csv"), "a zip file; unpack it first"),
        (b"PAR1abc", "a Parquet file"),
    ],
    ids=[
        "html",
        "table",
        "office",
        "xml",
        "lfs",
        "xls",
        "password",
        "ods",
        "numbers",
        "xlsb",
        "docx",
        "zip",
        "parquet",
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.xls", "t.xlsx"])
def test_other_formats_are_called_by_their_name(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError, match=message):
        list(read_rows(tmp_path / name))
