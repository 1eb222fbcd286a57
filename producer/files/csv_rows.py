"""Rows of delimited text: what is wrong in one record stays in it."""

import csv
import io
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from core.errors import InputError
from producer.files import rows
from producer.files.csv_dialect import Dialect, find_dialect
from producer.files.csv_fragments import refuse_pieces
from producer.files.header import (
    ABOVE_NOTE,
    HEADER_RECORDS,
    Header,
    find_header,
    is_blank,
    width_of,
)
from producer.files.lines import DAMAGE, Line, damage_of, read_lines
from producer.files.rows import Row

_SAMPLE_LINES = 200
_SAMPLE_CHARS = 1 << 20
# A quoted field that goes on for more lines is a quote that nobody closed.
_MAX_RECORD_LINES = 2000
# Of the lines that an open quote swallowed, so many must be whole records for it to be a slip.
_CLEAN_SHARE = 0.8


@dataclass(slots=True)
class _Record:
    line: int
    fields: list[str]
    problem: str | None = None


class _TooLongError(Exception):
    """A record has grown beyond what a record may be."""


class _Feed:
    """Gives lines to the csv module and holds those of the present record, to go back to."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._pending: deque[Line] = deque()
        self.held: list[Line] = []
        self._chars = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._pending.popleft() if self._pending else next(self._lines)
        self.held.append(line)
        self._chars += len(line.text)
        if line.cut or len(self.held) > _MAX_RECORD_LINES or self._chars > rows.MAX_VALUE_CHARS:
            raise _TooLongError
        return line.text

    def begin(self) -> None:
        """Forget the last record's lines."""
        self.held = []
        self._chars = 0

    def back(self, lines: list[Line]) -> None:
        """Take lines back, to be read again."""
        self._pending.extendleft(reversed(lines))


def read_csv(
    path: Path, text: io.TextIOWrapper, encoding: str, used: Collection[str]
) -> Iterator[Row]:
    """Read delimited text: blank and title lines, a header line, then one record a row.

    Raises:
        InputError: there is no header, or a used column stands twice.
    """
    previous = csv.field_size_limit(rows.MAX_VALUE_CHARS)
    try:
        lines = read_lines(text)
        sample = _sample(lines)
        dialect = find_dialect([line.text for line in sample], used)
        found = _Records(chain(sample, lines), dialect, encoding)
        if dialect.named:
            found.skip_line()
        yield from _rows(path, found, used)
    finally:
        csv.field_size_limit(previous)


def _sample(lines: Iterator[Line]) -> list[Line]:
    sample: list[Line] = []
    chars = 0
    for line in islice(lines, _SAMPLE_LINES):
        sample.append(line)
        chars += len(line.text)
        if chars > _SAMPLE_CHARS:
            break
    return sample


def _rows(path: Path, records: "_Records", used: Collection[str]) -> Iterator[Row]:
    first = list(islice(records, HEADER_RECORDS))
    whole = [record for record in first if record.problem is None]
    if not whole:
        line, reason = (first[0].line, first[0].problem) if first else (1, "there is none")
        raise InputError(f"{path}, line {line}: the header is not CSV: {reason}")
    index = find_header([record.fields for record in whole], used)
    top = first.index(whole[index])
    if damaged := next((record for record in first[:top] if record.problem), None):
        raise InputError(f"{path}, line {damaged.line}: the header is not CSV: {damaged.problem}")
    header = Header(path, whole[index].line, whole[index].fields, used)
    records.know_width(header.width)
    notes = (ABOVE_NOTE,) if top else ()
    counted = _below(chain(first[top + 1 :], records), header)
    for row in refuse_pieces(counted, header.width):
        yield replace(row, notes=(*notes, *row.notes)) if notes else row
        notes = ()


def _below(records: Iterator["_Record"], header: Header) -> Iterator[tuple[Row, int]]:
    """Yield the rows below the header, each with its number of fields."""
    for record in records:
        if record.problem is not None:
            values = dict(zip(header.keys, record.fields, strict=False))
            yield Row(record.line, values, record.problem), len(record.fields)
        elif not header.repeats(record.fields):
            yield header.row(record.line, record.fields), len(record.fields)


class _Records:
    """Iterates over the records that are not blank, the bad ones with what is wrong."""

    def __init__(self, lines: Iterator[Line], dialect: Dialect, encoding: str) -> None:
        self._feed = _Feed(lines)
        self._dialect = dialect
        self._reader = dialect.reader(self._feed)
        self._encoding = encoding
        self._astray = False  # behind a quote left open: which line begins a record?
        self.width = 0  # of the header; until that is known, of the widest record
        self._header_known = False

    def __iter__(self) -> Iterator[_Record]:
        return self

    def know_width(self, width: int) -> None:
        """Take the header's width for that of every record."""
        self.width = width
        self._header_known = True

    def skip_line(self) -> None:
        """Skip the first line that is not blank."""
        while not next(self._feed).strip():
            pass

    def __next__(self) -> _Record:
        while True:
            self._feed.begin()
            try:
                fields = next(self._reader)
            except csv.Error as error:
                return self._broken(f"not CSV ({error})")
            except _TooLongError:
                return self._too_long()
            if not all(map(is_blank, fields)):
                return self._record(fields)

    def _record(self, fields: list[str]) -> _Record:
        held = self._feed.held
        if not self._header_known:
            self.width = max(self.width, width_of(fields))
        for line in held:
            if not line.text.isascii() and (damage := damage_of(line.text, self._encoding)):
                fields = [DAMAGE.sub("\ufffd", field) for field in fields]
                place = f"line {line.number}: " if line is not held[0] else ""
                return _Record(held[0].number, fields, place + damage)
        if self._astray:
            if not self._is_clean(fields, held[0].text):
                reason = "stands behind a quote that is not closed, and is no whole record"
                return _Record(held[0].number, fields, reason)
            self._astray = False
        return _Record(held[0].number, fields)

    def _too_long(self) -> _Record:
        held = self._feed.held
        if len(held) == 1:
            self._reader = self._dialect.reader(self._feed)
            reason = f"the line is longer than {rows.MAX_VALUE_CHARS:,} characters"
            return _Record(held[0].number, [], reason)
        return self._broken("not CSV (a quoted field goes on and on)")

    def _broken(self, what: str) -> _Record:
        """Refuse a record whose quotes are wrong, and go on where the next record begins."""
        first, *rest = self._feed.held
        reason = f"{what}: is a quote not closed, or not doubled?"
        self._reader = self._dialect.reader(self._feed)
        self._astray = True
        if not rest:
            return _Record(first.number, [], reason)
        lines = [line for line in rest if line.text.strip()]
        clean = sum(not line.cut and self._is_record(line.text) for line in lines)
        if clean >= _CLEAN_SHARE * len(lines):
            self._feed.back(rest)
        elif rest[-1].cut or len(self._feed.held) > _MAX_RECORD_LINES:
            # Which line begins a record is not known: judge each by itself.
            self._feed.back(rest)
        else:
            reason += f" Lines {first.number} to {rest[-1].number} are refused with it"
        return _Record(first.number, [], reason)

    def _is_record(self, line: str) -> bool:
        """Say whether a line alone is a whole record of the header's width."""
        try:
            [fields] = self._dialect.reader([line])
        except (csv.Error, ValueError):
            return False
        return self._is_clean(fields, line)

    def _is_clean(self, fields: list[str], line: str) -> bool:
        stray = '""' not in line and any('"' in field for field in fields)
        return len(fields) == self.width and not stray
