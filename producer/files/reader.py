"""Reading files: delimited text, JSON and workbooks become rows with their place in the file.

A reader yields each row as a dict, or the reason why it cannot be read, and goes on. What a row
means, ``producer.tickets`` says.
"""

import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, BinaryIO, cast

from core.errors import InputError
from producer.files.column_names import FIELD_NAMES, column_key
from producer.files.csv_rows import read_csv
from producer.files.encoding.detection import find_encoding
from producer.files.encoding.named import known_encoding
from producer.files.formats import TEXT_ENDINGS, WORKBOOK_ENDINGS, is_workbook
from producer.files.json_rows import read_json
from producer.files.lines import open_text
from producer.files.rows import Row

_JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
_BLANK = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"
_HEAD_BYTES = 1 << 16


def read_rows(
    path: Path,
    *,
    encoding: str | None = None,
    sheet: str | None = None,
    used: Collection[str] = FIELD_NAMES,
) -> Iterator[Row]:
    """Read a table (.csv, .tsv, .txt), JSON (.json, .jsonl) or a workbook (.xlsx) row by row.

    Args:
        path: the file, or a pipe.
        encoding: of text; None finds it by evidence.
        sheet: of a workbook; None takes the first visible one with rows.
        used: the columns the caller is going to use. They help to find the header, and a fault in
            one of them, or its standing twice, is refused.

    Raises:
        InputError: the file is missing, empty, damaged or of another format, its encoding is not
            clear, or it has no header.
    """
    if encoding is not None:
        known_encoding(path, encoding)
    wanted = {column_key(name) for name in used}
    with _open(path) as stream:
        for row in _read(path, stream, encoding, sheet, used):
            yield _with_faults(row, wanted) if row.faults else row


def _with_faults(row: Row, wanted: Collection[str]) -> Row:
    """Refuse a row for a fault in a used column; elsewhere the cell counts as blank."""
    for column, fault in row.faults.items():
        if column_key(column) in wanted:
            return replace(row, problem=f"{column}: {fault}")
    return row


def _read(
    path: Path, stream: BinaryIO, encoding: str | None, sheet: str | None, used: Collection[str]
) -> Iterator[Row]:
    if not stream.read(_HEAD_BYTES).strip(_BLANK):
        raise InputError(f"{path}: the file is empty")
    stream.seek(0)
    if is_workbook(path, stream):
        from producer.files.xlsx_rows import read_xlsx

        yield from read_xlsx(path, stream, sheet, used)
        return
    if path.suffix.lower() not in TEXT_ENDINGS and stat.S_ISREG(path.stat().st_mode):
        endings = ", ".join((*TEXT_ENDINGS, *WORKBOOK_ENDINGS))
        raise InputError(f"{path}: its name must end in one of {endings}")
    if sheet is not None:
        raise InputError(f"{path}: --sheet is for workbooks, and this is a text file")
    found = find_encoding(path, stream, encoding)
    text = open_text(stream, found)
    try:
        if _is_json(path, text):
            yield from read_json(path, text, found)
        else:
            yield from read_csv(path, text, found, used)
    finally:
        text.detach()


def _is_json(path: Path, text: IO[str]) -> bool:
    """Say whether a text is JSON: by its name, or by how it begins."""
    if path.suffix.lower() in _JSON_ENDINGS:
        return True
    start = text.read(_HEAD_BYTES).lstrip()
    text.seek(0)
    return start.startswith(("{", "[")) and start[1:].lstrip().startswith(('"', "{"))


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be read more than once; a pipe is copied to the disk first."""
    try:
        source = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    with source:
        if source.seekable():
            yield source
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(source, copy)
            copy.seek(0)
            yield cast("BinaryIO", copy)
