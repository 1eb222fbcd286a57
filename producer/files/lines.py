"""Lines of a text file, in bounded memory."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from producer.files import rows
from producer.files.damage import ERRORS

_SKIP_CHARS = 1 << 16


@dataclass(slots=True)
class Line:
    """A line with its end; ``cut`` if it is longer than a row may be, and only begins here."""

    number: int
    text: str
    cut: bool = False


def open_text(stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Return the stream's text; bytes that are none are marked, and line ends kept."""
    return io.TextIOWrapper(stream, encoding=encoding, errors=ERRORS, newline="")


def read_lines(text: io.TextIOWrapper) -> Iterator[Line]:
    """Yield the lines. Of a line that is too long, only the beginning is ever in memory."""
    number = 0
    limit = rows.MAX_VALUE_CHARS
    while line := text.readline(limit):
        number += 1
        if len(line) < limit or line.endswith(("\n", "\r")):
            yield Line(number, line)
            continue
        rest = text.readline(_SKIP_CHARS)
        long = bool(rest)
        while rest and not rest.endswith(("\n", "\r")):
            rest = text.readline(_SKIP_CHARS)
        yield Line(number, line[:_SKIP_CHARS] if long else line, long)
