"""Records of delimited text: what is wrong in one record stays in it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from producer.files import rows
from producer.files.cells import is_empty, width_of
from producer.files.csv_dialect import Dialect
from producer.files.csv_lines import CsvLines, RecordTooLongError
from producer.files.damage import DAMAGE, damage_of
from producer.files.lines import Line

# Of the lines that an open quote swallowed, so many must be whole records for it to be a slip.
_WHOLE_SHARE = 0.8


@dataclass(slots=True)
class CsvRecord:
    """A record: the line where it begins, its fields, and why it cannot be read."""

    line: int
    fields: list[str]
    problem: str | None = None


class CsvRecords:
    """Iterates over the records that are not blank, the bad ones with what is wrong.

    Args:
        lines: of the file.
        dialect: how fields are told apart.
        encoding: of the file, for messages.
    """

    def __init__(self, lines: Iterator[Line], dialect: Dialect, encoding: str) -> None:
        self._lines = CsvLines(lines)
        self._dialect = dialect
        self._reader = dialect.reader(self._lines)
        self._encoding = encoding
        self._behind_open_quote = False  # then it is not known which line begins a record
        self._width = 0  # of the header; until that is known, of the widest record
        self._header_known = False

    def __iter__(self) -> Iterator[CsvRecord]:
        return self

    def know_width(self, width: int) -> None:
        """Take the header's width for that of every record."""
        self._width = width
        self._header_known = True

    def skip_line(self) -> None:
        """Skip the first line that is not blank."""
        while not next(self._lines).strip():
            pass

    def __next__(self) -> CsvRecord:
        while True:
            self._lines.begin_record()
            try:
                fields = next(self._reader)
            except csv.Error as error:
                return self._broken(f"not CSV ({error})")
            except RecordTooLongError:
                return self._too_long()
            if not all(map(is_empty, fields)):
                return self._record(fields)

    def _record(self, fields: list[str]) -> CsvRecord:
        lines = self._lines.record
        if not self._header_known:
            self._width = max(self._width, width_of(fields))
        for line in lines:
            if not line.text.isascii() and (damage := damage_of(line.text, self._encoding)):
                fields = [DAMAGE.sub("\ufffd", field) for field in fields]
                place = f"line {line.number}: " if line is not lines[0] else ""
                return CsvRecord(lines[0].number, fields, place + damage)
        if self._behind_open_quote:
            if not self._is_whole(fields, lines[0].text):
                reason = "stands behind a quote that is not closed, and is no whole record"
                return CsvRecord(lines[0].number, fields, reason)
            self._behind_open_quote = False
        return CsvRecord(lines[0].number, fields)

    def _too_long(self) -> CsvRecord:
        lines = self._lines.record
        if len(lines) == 1:
            self._reader = self._dialect.reader(self._lines)
            reason = f"the line is longer than {rows.MAX_VALUE_CHARS:,} characters"
            return CsvRecord(lines[0].number, [], reason)
        return self._broken("not CSV (a quoted field goes on and on)")

    def _broken(self, what: str) -> CsvRecord:
        """Refuse a record whose quotes are wrong, and go on where the next record begins."""
        first, *rest = self._lines.record
        reason = f"{what}: is a quote not closed, or not doubled?"
        self._reader = self._dialect.reader(self._lines)
        self._behind_open_quote = True
        # Where no end was found, which line begins a record is not known: judge each by itself.
        endless = bool(rest) and (rest[-1].cut or self._lines.has_too_many)
        if endless or self._are_records(rest):
            self._lines.put_back(rest)
        elif rest:
            reason += f" Lines {first.number} to {rest[-1].number} are refused with it"
        return CsvRecord(first.number, [], reason)

    def _are_records(self, lines: list[Line]) -> bool:
        """Say whether most of the lines are whole records: then a quote was left open by a slip."""
        lines = [line for line in lines if line.text.strip()]
        whole = sum(not line.cut and self._is_record(line.text) for line in lines)
        return whole >= _WHOLE_SHARE * len(lines)

    def _is_record(self, line: str) -> bool:
        """Say whether a line alone is a whole record of the header's width."""
        try:
            [fields] = self._dialect.reader([line])
        except (csv.Error, ValueError):
            return False
        return self._is_whole(fields, line)

    def _is_whole(self, fields: list[str], line: str) -> bool:
        stray = '""' not in line and any('"' in field for field in fields)
        return len(fields) == self._width and not stray
