"""A sample of a file's lines beyond ASCII, taken from all over the file in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from producer.files.damage import DAMAGE, decode_damaged

PART_BYTES = 1 << 16
_MAX_LINES = 400


@dataclass(slots=True)
class LineSample:
    """Lines beyond ASCII from all over the file: number and beginning of each.

    Attributes:
        lines: at most 400.
        wrong: lines of which the encoding asked about knows less than half.
        seen: lines beyond ASCII in all.
    """

    lines: list[tuple[int, bytes]] = field(default_factory=list)
    wrong: int = 0
    seen: int = 0
    _stride: int = 1

    def add(self, number: int, line: bytes) -> None:
        """Take a line, or leave it out where enough have been taken."""
        if self.seen % self._stride == 0:
            self.lines.append((number, line))
        self.seen += 1
        if len(self.lines) == _MAX_LINES:
            # The first lines stay: the header is among them.
            half = _MAX_LINES // 2
            self.lines = self.lines[: half // 2] + self.lines[half // 2 :: 2]
            self._stride *= 2


def take_sample(stream: BinaryIO, named: str | None) -> LineSample:
    """Sample the lines beyond ASCII, and those that look like a seven-bit encoding."""
    stream.seek(0)
    sample = LineSample()
    for number, part, begins in line_parts(stream):
        if part.isascii() and not (b"\x1b" in part or b"~{" in part):
            continue
        if begins:
            sample.add(number, part)
            if named is not None:
                sample.wrong += _is_wrong(decode_damaged(part, named))
    return sample


def _is_wrong(text: str) -> bool:
    damaged = len(DAMAGE.findall(text))
    return damaged * 2 > sum(character > "\x7f" for character in text)


def line_parts(stream: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Yield lines, long ones in parts: the line's number, the bytes, whether the line begins."""
    number, begins = 1, True
    while part := stream.readline(PART_BYTES):
        yield number, part, begins
        begins = part.endswith(b"\n")
        number += begins
