"""Bytes that a text's encoding does not know: they are marked, and spoil their line alone."""

import codecs
import re

# No decoder writes half a surrogate pair: it stands for one byte that the encoding does not know.
DAMAGE = re.compile("[\udc00-\udfff]")
# What national encodings keep for characters of a user's own: a wrong byte lands there too.
_PRIVATE = re.compile("[\ue000-\uf8ff]")
ERRORS = "paidan.damage"


def _mark_byte(error: UnicodeError) -> tuple[str, int]:
    """Put half a surrogate pair in a bad byte's place and go on with the very next byte.

    So a cut character never swallows the line's end or a delimiter behind it.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    step = 1
    if error.encoding.startswith(("utf-16", "utf16")):
        step = 2
    elif error.encoding.startswith(("utf-32", "utf32")):
        step = 4
    byte = error.object[error.start]
    return chr(0xDC00 + byte), min(error.start + step, len(error.object))


codecs.register_error(ERRORS, _mark_byte)


def decode_damaged(line: bytes, encoding: str) -> str:
    """Decode the beginning of a line; a character cut off at its very end is left out."""
    decoder = codecs.getincrementaldecoder(encoding)(ERRORS)
    return decoder.decode(line, final=line.endswith(b"\n"))


def damage_of(text: str, encoding: str) -> str | None:
    """Say which byte of a line the encoding does not know, None if it knows all."""
    name = encoding.removesuffix("-sig").upper()
    found = DAMAGE.search(text)
    if found is not None:
        what = f"the byte 0x{ord(found.group()) - 0xDC00:02X}, which is no {name}"
    elif name.startswith("UTF") or (found := _PRIVATE.search(text)) is None:
        return None
    else:
        what = f"a private character of {name} (U+{ord(found.group()):04X})"
    return (
        f"character {found.start() + 1} of the line is {what}: the text is damaged, or in another "
        "encoding than the rest of the file"
    )
