"""Streaming readers: CSV, JSON and JSONL files become rows with their place in the file.

A reader yields each row as a dict, or the reason why it cannot be read, and goes on. What a row
means is ``producer.records``' business.
"""

import codecs
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from paidan.errors import InputError

_SNIFF_BYTES = 1 << 16
_CHUNK_CHARS = 1 << 16
# One JSON value or CSV field may be this long; longer ones are no tickets.
_MAX_VALUE_CHARS = 16 << 20
# What of a number cut off behind "1" no decoder takes for its part: the "e+" of 1e+5.
_CUT_NUMBER = 2
_MAGIC = {
    b"PK\x03\x04": "an Excel or zip file; save it as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save it as CSV (UTF-8)",
    b"\x1f\x8b": "gzip-compressed; unpack it first",
    b"%PDF": "a PDF; export its table as CSV (UTF-8)",
    b"SQLite format 3": "a SQLite database, no ticket file",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        line: where the row begins, counted from 1.
        values: column to value; the columns are named as the file names them.
        problem: why the row cannot be read; ``values`` may then be empty.
        notes: what a person should know of a row that was taken. A note is a kind, the same for
            all rows it applies to, so that the command line can count it.
    """

    line: int
    values: dict[str, Any]
    problem: str | None = None
    notes: tuple[str, ...] = ()


def read_rows(path: Path, *, encoding: str | None = None) -> Iterator[Row]:
    """Read a ``.csv``, ``.json`` (an array of objects) or ``.jsonl`` file row by row.

    Args:
        path: the file; its name's ending says the format.
        encoding: None recognises UTF-8 and, for what Excel writes in China, GB18030.

    Raises:
        InputError: the file is missing, empty, binary or of another format, or (CSV) has no header.
    """
    readers = {
        ".csv": _read_csv,
        ".json": _read_json,
        ".jsonl": _read_jsonl,
        ".ndjson": _read_jsonl,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: its name must end in .csv, .json or .jsonl")
    named = None if encoding is None else _known_encoding(encoding)
    found = _sniff_encoding(path, named)
    try:
        with path.open(encoding=found, newline="" if reader is _read_csv else None) as stream:
            yield from reader(path, stream)
    except UnicodeError as error:
        raise InputError(
            f"{path}: not {found} text ({error}): name its encoding with --encoding, or save it "
            "as UTF-8"
        ) from error


def _known_encoding(encoding: str) -> str:
    """Return the codec's name, for UTF-8 the one that takes a byte order mark too."""
    try:
        "".encode(encoding)  # open() takes codecs from str to bytes only, and so does this
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise InputError(f"--encoding {encoding!r} is no known encoding") from error
    return "utf-8-sig" if name == "utf-8" else name


def _sniff_encoding(path: Path, named: str | None) -> str:
    """Refuse what is no text; if no encoding is named, recognise it by the file's beginning."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_SNIFF_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise InputError(f"{path}: the file is empty")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise InputError(f"{path}: this is {what}")
    if named is not None:
        return named
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if b"\x00" in head:
        raise InputError(f"{path}: this is a binary file, not text")
    whole = len(head) < _SNIFF_BYTES  # else a character may be cut at the end
    for candidate in ("utf-8-sig", "gb18030"):
        try:
            codecs.getincrementaldecoder(candidate)().decode(head, final=whole)
        except UnicodeDecodeError:
            continue
        return candidate
    raise InputError(f"{path}: neither UTF-8 nor GB18030 text; name it with --encoding")


def _read_csv(path: Path, stream: TextIO) -> Iterator[Row]:
    """Read with the csv module: a header line, then one record a row."""
    previous = csv.field_size_limit(_MAX_VALUE_CHARS)
    try:
        # Strict, or a quote that is never closed would swallow the rest of the file as one text.
        reader = csv.reader(stream, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            raise InputError(f"{path}, line 1: the header is not CSV: {error}") from error
        _check_header(path, header)
        while True:
            # A quoted field may span lines: a record begins one line after the last one ended.
            line = reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, {}, f"not CSV ({error}): is a quote not closed, or not doubled?")
                continue
            if not any(field.strip() for field in record):
                continue
            if len(record) != len(header):
                count = f"{len(record)} fields where the header has {len(header)}"
                yield Row(line, {}, f"{count}: a comma or quote inside a field needs quotes")
                continue
            yield Row(line, dict(zip(header, record, strict=True)))
    finally:
        csv.field_size_limit(previous)


def _check_header(path: Path, header: list[str]) -> None:
    if not any(header):
        raise InputError(f"{path}, line 1: the header with the column names is missing")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise InputError(f"{path}, line 1: column {doubled[0]!r} stands twice")


def _read_jsonl(_path: Path, stream: TextIO) -> Iterator[Row]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            yield _as_row(number, json.loads(line))
        except (ValueError, RecursionError) as error:
            yield Row(number, {}, f"not JSON: {_fault(error)}")


def _read_json(path: Path, stream: TextIO) -> Iterator[Row]:
    """Read an array of objects value by value, never the whole file."""
    window = _Window(stream)
    if window.peek() != "[":
        raise InputError(
            f"{path}, line {window.line}: a .json file must be an array of objects; "
            "one object a line goes into a .jsonl file"
        )
    window.skip()
    while (character := window.peek()) != "]":
        if character == "":
            raise InputError(f"{path}, line {window.line}: the file ends inside the array")
        line = window.line
        try:
            yield _as_row(line, window.value())
        except UnicodeError:
            raise  # a ValueError too, but about the encoding, not about JSON
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}, line {line}: the value that begins here is not JSON "
                f"({_fault(error)}); what stood before was read"
            ) from error
        following = window.peek()
        if following == ",":
            window.skip()
        elif following not in ("]", ""):
            raise InputError(f"{path}, line {window.line}: a comma is missing between two values")
    window.skip()
    if window.peek() != "":
        raise InputError(
            f"{path}, line {window.line}: text follows the end of the array; only what stood "
            "before was read"
        )


def _fault(error: Exception) -> str:
    """Say what is wrong with a JSON text, without a position that counts from elsewhere."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _as_row(line: int, value: Any) -> Row:
    if isinstance(value, dict):
        return Row(line, value)
    return Row(line, {}, f"a {type(value).__name__} where an object is expected")


class _Window:
    """The unread part of a stream, decoded one JSON value at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._buffer = ""
        self._position = 0
        self._decoder = json.JSONDecoder()
        self.line = 1

    def peek(self) -> str:
        """Return the next character that is no white space, "" at the end."""
        while True:
            while self._position < len(self._buffer):
                character = self._buffer[self._position]
                if not character.isspace():
                    return character
                self._advance(self._position + 1)
            if not self._fill():
                return ""

    def skip(self) -> None:
        """Step over one character."""
        self._advance(self._position + 1)

    def value(self) -> Any:
        """Decode the value at the present position."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._position)
            except json.JSONDecodeError:
                # Cut off by the window's end, or wrong: more text tells.
                if len(self._buffer) - self._position > _MAX_VALUE_CHARS or not self._fill():
                    raise
                continue
            if end + _CUT_NUMBER >= len(self._buffer) and self._fill():
                continue  # a number could go on behind the window's end
            self._advance(end)
            return value

    def _advance(self, position: int) -> None:
        self.line += self._buffer.count("\n", self._position, position)
        self._position = position

    def _fill(self) -> bool:
        """Read on; doubling what is unread keeps decoding a long value linear."""
        more = self._stream.read(max(_CHUNK_CHARS, len(self._buffer) - self._position))
        if more:
            self._buffer = self._buffer[self._position :] + more
            self._position = 0
        return bool(more)
