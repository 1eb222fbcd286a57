"""The delimiter of a delimited text file, by the evidence of its first lines."""

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from producer.files.cells import is_empty, width_of
from producer.files.column_names import column_key, is_known_word
from producer.files.header_search import HEADER_RECORDS, find_header

_DELIMITERS = ",\t;|"
_SEP_LINE = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)
_SAMPLE_RECORDS = 50


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are told apart.

    Attributes:
        delimiter: the character between two fields.
        spaced: white space follows the delimiter, before a quote too.
        named: the file's first line names the delimiter (``sep=;``), and is no record.
    """

    delimiter: str = ","
    spaced: bool = False
    named: bool = False

    def reader(self, lines: Iterable[str]) -> "Iterator[list[str]]":
        """Return the csv module's reader; strict, so that it tells a quote left open."""
        return csv.reader(
            lines, delimiter=self.delimiter, skipinitialspace=self.spaced, strict=True
        )


def find_dialect(lines: Sequence[str], used: Collection[str]) -> Dialect:
    """Choose the delimiter that the header and the most records agree on, quotes respected.

    Args:
        lines: the file's first lines.
        used: names of columns that the caller knows.
    """
    first = next((line for line in lines if line.strip()), "")
    if match := _SEP_LINE.fullmatch(first.removeprefix("\ufeff")):
        return Dialect(match[1], named=True)
    candidates = [
        Dialect(delimiter) for delimiter in _DELIMITERS if any(delimiter in text for text in lines)
    ]
    candidates += [
        Dialect(dialect.delimiter, spaced=True)
        for dialect in candidates
        if any(re.search(rf'{re.escape(dialect.delimiter)} +"', line) for line in lines)
    ]
    wanted = {column_key(name) for name in used}
    best, best_score = Dialect(), (0, 0.0, 0)
    for candidate in candidates:
        score = _score(_records(candidate, lines), used, wanted)
        if score > best_score:
            best, best_score = candidate, score
    return best


def _score(
    records: Sequence[Sequence[str]], used: Collection[str], wanted: Collection[str]
) -> tuple[int, float, int]:
    """Return the known names in the header, the share of records it fits, and its width.

    Records above the header count among those that it does not fit.
    """
    if not records:
        return 0, 0.0, 0
    index = find_header(records[:HEADER_RECORDS], used)
    header = records[index]
    width = width_of(header)
    if width < 2:
        return 0, 0.0, 0
    known = sum(
        is_known_word(name) or column_key(name) in wanted for name in header if name.strip()
    )
    below = records[index + 1 :]
    fitting = sum(1 < width_of(record) <= width for record in below)
    exact = sum(len(record) == len(header) for record in below)
    share = (fitting + exact) / (2 * (len(below) + index)) if below else 0.5 / (1 + index)
    return known, share, width


def _records(dialect: Dialect, lines: Sequence[str]) -> list[list[str]]:
    """Parse the sample; a fault in it ends the parse, for it may only be cut off there."""
    records: list[list[str]] = []
    reader = dialect.reader(lines)
    try:
        for record in reader:
            if not all(map(is_empty, record)):
                records.append(record)
            if len(records) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        pass
    return records
