"""Rows of delimited text: the header is found, and what lies below it are rows."""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from core.errors import InputError
from producer.files import rows
from producer.files.csv_dialect import find_dialect
from producer.files.csv_fragments import refuse_fragments
from producer.files.csv_records import CsvRecord, CsvRecords
from producer.files.header import ABOVE_NOTE, Header
from producer.files.header_search import HEADER_RECORDS, find_header
from producer.files.lines import Line, read_lines
from producer.files.rows import Row

# The delimiter is found by so many lines at the beginning.
_FIRST_LINES = 200
_FIRST_CHARS = 1 << 20


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
        first = _first(lines)
        dialect = find_dialect([line.text for line in first], used)
        records = CsvRecords(chain(first, lines), dialect, encoding)
        if dialect.named:
            records.skip_line()
        yield from _rows(path, records, used)
    finally:
        csv.field_size_limit(previous)


def _first(lines: Iterator[Line]) -> list[Line]:
    first: list[Line] = []
    chars = 0
    for line in islice(lines, _FIRST_LINES):
        first.append(line)
        chars += len(line.text)
        if chars > _FIRST_CHARS:
            break
    return first


def _rows(path: Path, records: CsvRecords, used: Collection[str]) -> Iterator[Row]:
    first = list(islice(records, HEADER_RECORDS))
    top, header = _header(path, first, used)
    records.know_width(header.width)
    notes = (ABOVE_NOTE,) if top else ()
    below = _below(chain(first[top + 1 :], records), header)
    for row in refuse_fragments(below, header.width):
        yield replace(row, notes=(*notes, *row.notes)) if notes else row
        notes = ()


def _header(path: Path, first: list[CsvRecord], used: Collection[str]) -> tuple[int, Header]:
    """Return the header, and its place among the first records."""
    whole = [record for record in first if record.problem is None]
    if not whole:
        line, reason = (first[0].line, first[0].problem) if first else (1, "there is none")
        raise InputError(f"{path}, line {line}: the header is not CSV: {reason}")
    found = whole[find_header([record.fields for record in whole], used)]
    top = first.index(found)
    if damaged := next((record for record in first[:top] if record.problem), None):
        raise InputError(f"{path}, line {damaged.line}: the header is not CSV: {damaged.problem}")
    return top, Header(path, found.line, found.fields, used)


def _below(records: Iterator[CsvRecord], header: Header) -> Iterator[tuple[Row, int]]:
    """Yield the rows below the header, each with its number of fields."""
    for record in records:
        if record.problem is not None:
            values = dict(zip(header.keys, record.fields, strict=False))
            yield Row(record.line, values, record.problem), len(record.fields)
        elif not header.repeats(record.fields):
            yield header.row(record.line, record.fields), len(record.fields)
