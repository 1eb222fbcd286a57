"""An encoding that the user names: it is only checked, so that no file is garbled unseen."""

import codecs
from pathlib import Path
from typing import BinaryIO

from core.errors import InputError
from producer.files.encoding.line_sample import PART_BYTES, LineSample, take_sample
from producer.files.encoding.utf8 import beyond_ascii, is_sure
from producer.files.encoding.utf16 import is_utf16

# What is meant by a name: UTF-8 with or without its mark; GB2312 and GBK with all that was added.
_MEANT = {"utf-8": "utf-8-sig", "gb2312": "gb18030", "gbk": "gb18030"}
_MAX_WRONG_SHARE = 0.5


def known_encoding(path: Path, encoding: str) -> str:
    """Return the codec that a name means: the widest one of its family.

    Raises:
        InputError: there is no such encoding.
    """
    try:
        "".encode(encoding)  # open() takes codecs from str to bytes only, and so does this
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        message = f"{path}: --encoding {encoding!r} is no known encoding"
        raise InputError(message) from error
    return _MEANT.get(name, name)


def check_named(path: Path, stream: BinaryIO, named: str, marked: str | None) -> str:
    """Return the named codec, if most of the file can be what it says.

    Args:
        path: for messages.
        stream: the file.
        named: a codec.
        marked: the codec of the file's byte order mark, if it has one.

    Raises:
        InputError: the file begins with another mark, is UTF-8, or is wrong in most lines.
    """
    if marked is not None and not _agree(named, marked):
        raise InputError(
            f"{path}: begins with the mark of {marked.removesuffix('-sig')}, not {named}: leave "
            "--encoding out"
        )
    sample = _sample(stream, named)
    if sample.wrong > _MAX_WRONG_SHARE * sample.seen:
        raise InputError(
            f"{path}: not {named} text ({sample.wrong:,} of {sample.seen:,} lines beyond ASCII "
            "cannot be decoded): name its encoding with --encoding, or save it as UTF-8"
        )
    ascii_or_utf8 = named == "ascii" or named.startswith("utf-8")
    if not ascii_or_utf8 and is_sure(beyond_ascii(stream)):
        raise InputError(f"{path}: this is UTF-8 text, not {named}: leave --encoding out")
    return named


def _agree(named: str, marked: str) -> bool:
    """Say whether a name can be of a file with that mark: utf-16-le of one marked as UTF-16."""
    if named.partition("-sig")[0] == marked.partition("-sig")[0]:
        return True
    return named.startswith("utf") and marked.startswith(named[:6])


def _sample(stream: BinaryIO, named: str) -> LineSample:
    if not named.startswith(("utf-16", "utf-32")):
        return take_sample(stream, named)
    stream.seek(0)
    return LineSample(wrong=int(not is_utf16(stream.read(PART_BYTES), named)), seen=1)
