"""Encodings that differ from a candidate in a few characters alone, such as cp932 and Shift-JIS."""

import re
from pathlib import Path
from typing import BinaryIO

from producer.files.damage import DAMAGE, decode_damaged
from producer.files.encoding.line_sample import line_parts
from producer.files.encoding.refusal import unclear

_RELATIVES = {"cp950": "big5", "cp932": "shift_jis", "cp1252": "iso8859_15", "gb18030": "gbk"}
_CONTROL = re.compile("[\x80-\x9f]")


def refuse_relative(path: Path, stream: BinaryIO, encoding: str) -> None:
    """Refuse a file with a line that the encoding and its relative read as two texts.

    The relative is out of the question where it reads a control character: no text holds one.

    Raises:
        InputError: there is such a line.
    """
    relative = _RELATIVES.get(encoding)
    if relative is None:
        return
    differing: tuple[int, str, str] | None = None
    stream.seek(0)
    for number, part, begins in line_parts(stream):
        if part.isascii() or not begins:
            continue
        text = decode_damaged(part, encoding)
        other = decode_damaged(part, relative)
        if text == other:
            continue
        if _CONTROL.search(other) and not _CONTROL.search(text):
            return
        if differing is None and not DAMAGE.search(other):
            differing = number, text, other
    if differing is not None:
        number, text, other = differing
        raise unclear(path, number, [(encoding, text), (relative, other)])
