"""A window over a long JSON array: its values are decoded one at a time."""

import json
import re
from typing import Any, TextIO

from producer.files import rows
from producer.files.json_values import new_decoder

_CHUNK_CHARS = 1 << 16
# What of a number cut off behind "1" no decoder takes for its part: the "e+" of 1e+5.
_CUT_NUMBER = 2
_LONGEST_TOKEN = 16  # -Infinity, or an escaped surrogate pair
_MARKS = re.compile(r'["\\\[\]{},]')


class ValueTooLongError(Exception):
    """A value is longer than a row may be; the window stands behind it."""


class Window:
    """The unread part of a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._buffer = ""
        self._position = 0
        self._decoder = new_decoder()
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

    def value(self) -> tuple[Any, str]:
        """Decode the value at the present position; return it and its text.

        Raises:
            ValueTooLongError: it is too long, and was stepped over.
            ValueError: it is no JSON.
            RecursionError: it is nested too deeply.
        """
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._position)
            except json.JSONDecodeError as error:
                if not self._is_cut(error):
                    raise
                if len(self._buffer) - self._position >= rows.MAX_VALUE_CHARS:
                    self._step_over()
                    raise ValueTooLongError from None
                if not self._fill():
                    raise
                continue
            if end + _CUT_NUMBER >= len(self._buffer) and self._fill():
                continue  # a number could go on behind the window's end
            raw = self._buffer[self._position : end]
            self._advance(end)
            return value, raw

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Say whether a fault may come from the window's end alone: then more text tells."""
        at_end = error.pos >= len(self._buffer) - _LONGEST_TOKEN
        return at_end or error.msg.startswith("Unterminated string")

    def _step_over(self) -> None:
        """Step over a value by its brackets and quotes alone, without holding it."""
        depth, quoted = 0, False
        while True:
            for match in _MARKS.finditer(self._buffer, self._position):
                if match.start() < self._position:
                    continue  # the character behind a backslash
                mark = match.group()
                if mark == "\\":
                    if match.end() == len(self._buffer):
                        break
                    self._advance(match.end() + 1)
                    continue
                if mark == '"':
                    quoted = not quoted
                elif not quoted and mark in "[{":
                    depth += 1
                elif not quoted and mark in "]}":
                    depth -= 1
                ended = depth < 0 or (depth == 0 and not quoted and mark != ",")
                if depth < 0 or (depth == 0 and not quoted and mark == ","):
                    self._advance(match.start())
                    return
                self._advance(match.end())
                if ended:
                    return
            if not self._buffer.endswith("\\"):
                self._advance(len(self._buffer))
            if not self._fill():
                self._advance(len(self._buffer))
                return

    def _advance(self, position: int) -> None:
        self.line += self._buffer.count("\n", self._position, position)
        self._position = position

    def _fill(self) -> bool:
        """Read on; doubling what is unread keeps decoding a long value linear."""
        unread = len(self._buffer) - self._position
        more = self._stream.read(min(max(_CHUNK_CHARS, unread), rows.MAX_VALUE_CHARS))
        if more:
            self._buffer = self._buffer[self._position :] + more
            self._position = 0
        return bool(more)
