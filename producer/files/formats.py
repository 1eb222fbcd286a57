"""What a file is by its first bytes, whatever its name says."""

import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from core.errors import InputError

TEXT_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson")
WORKBOOK_ENDINGS = (".xlsx", ".xlsm")
_HEAD_BYTES = 1 << 16
_ZIP = b"PK\x03\x04"
_MAGIC = {
    b"PK\x05\x06": "an empty zip file",
    b"\x1f\x8b": "gzip-compressed; unpack it first",
    b"BZh": "bzip2-compressed; unpack it first",
    b"\xfd7zXZ\x00": "xz-compressed; unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd-compressed; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"%PDF": "a PDF; export its table as CSV (UTF-8)",
    b"{\\rtf": "an RTF document; save its table as CSV (UTF-8)",
    b"PAR1": "a Parquet file; write it as CSV or JSONL",
    b"SQLite format 3": "a SQLite database, no ticket file",
    b"version https://git-lfs.github.com/": (
        "a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'"
    ),
}
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# By a part that each kind of zip file has.
_ZIP_KINDS = {
    "xl/workbook.bin": "a binary Excel workbook (XLSB); save it as .xlsx",
    "content.xml": "an OpenDocument file; save its table as .xlsx or CSV (UTF-8)",
    "Index/Document.iwa": "a Numbers file; export it as .xlsx or CSV (UTF-8)",
    "Index.zip": "a Numbers file; export it as .xlsx or CSV (UTF-8)",
    "word/document.xml": "a Word document; save its table as .xlsx or CSV (UTF-8)",
}
_HTML = re.compile(rb"(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|div)\b", re.I)
_XML = re.compile(rb"<(?:\?xml|Workbook)\b", re.I)


def is_workbook(path: Path, stream: BinaryIO) -> bool:
    """Say whether a file is an XLSX workbook (True) or may be text (False).

    Raises:
        InputError: it is neither, or it is under a name that says otherwise.
    """
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    suffix = path.suffix.lower()
    if head.startswith(_ZIP):
        _check_zip(path, stream)
        if suffix not in WORKBOOK_ENDINGS:
            raise InputError(f"{path}: this is an Excel workbook; let its name end in .xlsx")
        return True
    _check_magic(path, stream, head)
    _check_markup(path, head.removeprefix(b"\xef\xbb\xbf").lstrip())
    if suffix in WORKBOOK_ENDINGS:
        raise InputError(
            f"{path}: this is no Excel workbook, but perhaps text; let its name end in .csv"
        )
    return False


def _check_magic(path: Path, stream: BinaryIO, head: bytes) -> None:
    """Refuse a file by its first bytes."""
    if head.startswith(_OLE):
        locked = _ENCRYPTED in head or _ENCRYPTED in stream.read(1 << 20)
        what = (
            "an Excel workbook with a password; save it without one"
            if locked
            else "an old Excel file; save it as .xlsx or CSV (UTF-8)"
        )
        raise InputError(f"{path}: this is {what}")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise InputError(f"{path}: this is {what}")


def _check_zip(path: Path, stream: BinaryIO) -> None:
    """Refuse a zip file that is no XLSX workbook, by what it is."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(
            f"{path}: a damaged Excel or zip file ({error}); was it copied or downloaded whole?"
        ) from error
    finally:
        stream.seek(0)
    for part, what in _ZIP_KINDS.items():
        if part in names:
            raise InputError(f"{path}: this is {what}")
    if "xl/workbook.xml" not in names and "[Content_Types].xml" not in names:
        raise InputError(f"{path}: this is a zip file; unpack it first")


def _check_markup(path: Path, head: bytes) -> None:
    if _HTML.match(head):
        raise InputError(
            f"{path}: this is an HTML page, not the table itself. If a web system exported it, "
            "open it in Excel and save it as .xlsx or CSV (UTF-8); if it is a sign-in page, "
            "download the file again"
        )
    if _XML.match(head):
        raise InputError(f"{path}: this is XML; open it in Excel and save it as .xlsx or CSV")
