"""Fragments of a record: what a line break leaves of it where it stands in an unquoted text."""

from collections.abc import Iterator
from dataclasses import replace

from producer.files.rows import Row

_MAX_FRAGMENTS = 50
_PROBLEM = "a piece of a row: is a line break inside a text that is not quoted?"

_CountedRow = tuple[Row, int]  # with its number of fields


def refuse_fragments(rows: Iterator[_CountedRow], width: int) -> Iterator[Row]:
    """Refuse short rows that are fragments of one, and pass all others on.

    A short row is the beginning of such a record if the short rows behind it begin as no whole row
    does (in words where those begin with an id) and all fill the header's width together. So rows
    whose empty last fields were left out stay rows.

    Args:
        rows: each row with its number of fields.
        width: of the header.
    """
    ids_are_ascii: bool | None = None  # None until a whole row is seen
    group: list[_CountedRow] = []
    for row, count in rows:
        short = row.problem is None and count < width
        first = str(next(iter(row.values.values()), "") or "").strip()
        if not short and row.problem is None and first:
            ids_are_ascii = first.isascii() and ids_are_ascii is not False
        in_words = short and bool(first) and not first.isascii() and bool(ids_are_ascii)
        if not (in_words and 0 < len(group) < _MAX_FRAGMENTS):
            yield from _judged(group, width)
            group = []
        if short:
            group.append((row, count))
        else:
            yield row
    yield from _judged(group, width)


def _judged(group: list[_CountedRow], width: int) -> Iterator[Row]:
    """Yield a group's rows, refused if together they fill the width."""
    fields = sum(count for _, count in group)
    broken = len(group) > 1 and fields == width + len(group) - 1
    for row, _ in group:
        yield replace(row, problem=_PROBLEM, notes=()) if broken else row
