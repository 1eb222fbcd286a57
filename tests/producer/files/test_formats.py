"""What a file is by its first bytes, whatever its name says."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.reader import read_rows
from tests.support.tables import (
    rows_of,
    save,
)


@pytest.mark.parametrize("named", [None, "utf-8", "gb18030"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest of an xlsx", "a damaged Excel or zip file .* copied or downloaded whole"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file; save it as .xlsx or CSV"),
        (gzip.compress(b"id,text\n1,a\n"), "gzip-compressed; unpack it"),
        (b"%PDF-1.7", "a PDF; export its table"),
        (b"SQLite format 3\x00", "a SQLite database"),
    ],
    ids=["xlsx", "xls", "gzip", "pdf", "sqlite"],
)
def test_files_of_another_format_are_refused_with_what_to_do(
    csv_file: Path, content: bytes, message: str, named: str | None
) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(csv_file, content, named)


@pytest.mark.parametrize("name", ["tickets.csv", "tickets.xls", "tickets.json"])
def test_a_workbook_under_another_name_is_called_one(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, ("a", [("external_id", "text"), ("1", "漏水")]))

    with pytest.raises(InputError, match=r"this is an Excel workbook; let its name end in \.xlsx"):
        list(read_rows(tmp_path / name))


def test_text_under_a_workbooks_name_is_told(book_file: Path) -> None:
    book_file.write_text("external_id,text\n1,漏水\n")

    with pytest.raises(InputError, match=r"this is no Excel workbook.*end in \.csv"):
        list(read_rows(book_file))


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
