"""UTF-16 and UTF-32: two or four bytes a character, so that much of a file is NUL."""

import codecs

from producer.files.damage import decode_damaged
from producer.files.encoding import plausibility

_ENCODINGS = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_MIN_GAIN_PER_CHARACTER = 0.7  # nats
_JUDGED_CHARS = 4000


def is_utf16(head: bytes, encoding: str) -> bool:
    """Say whether the beginning of a file is text in the UTF-16 or UTF-32 that is named."""
    try:
        return _has_structure(decode_damaged(head, encoding))
    except UnicodeError:  # no byte order mark where the encoding asks for one
        return False


def _has_structure(text: str) -> bool:
    """Say whether a text has what tables and JSON are made of, and no control characters."""
    controls = any(c < " " and c not in "\t\r\n" for c in text)
    return not controls and any(mark in text for mark in "\n,;\t{")


def find_utf16(head: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 without a byte order mark by their plausible text."""
    for encoding in _ENCODINGS:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
        if not _has_structure(text):
            continue
        gain, beyond_ascii = plausibility.gain(text[:_JUDGED_CHARS])
        letters = sum(character.isascii() for character in text)
        if gain >= _MIN_GAIN_PER_CHARACTER * beyond_ascii or letters > beyond_ascii:
            return encoding
    return None
