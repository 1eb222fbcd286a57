"""Which encoding a file is in, by evidence: "it decodes" is none, for GB18030 decodes nearly all.

We look at the whole file, in bounded memory. A file that is nearly UTF-8 stays UTF-8, and its
damaged rows are refused one by one. A file whose encoding is not clear is refused with the
candidates.
"""

import codecs
import re
from pathlib import Path
from typing import BinaryIO

from core.errors import InputError
from producer.files.encoding.judgement import judge, judge_short_utf8
from producer.files.encoding.line_sample import PART_BYTES, LineSample, take_sample
from producer.files.encoding.named import check_named, known_encoding
from producer.files.encoding.reading import read_sample
from producer.files.encoding.refusal import unclear
from producer.files.encoding.relatives import refuse_relative
from producer.files.encoding.utf8 import beyond_ascii, is_sure
from producer.files.encoding.utf16 import find_utf16

# In the order in which equals are named.
_CANDIDATES = ("utf-8", "gb18030", "cp950", "cp932", "euc_jp", "cp949", "cp1252")
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Seven-bit encodings of Chinese and Japanese look like ASCII.
_SEVEN_BIT = re.compile(rb"\x1b\$[@AB(]|~\{(?:[!-w][!-~])+~\}")


def find_encoding(path: Path, stream: BinaryIO, named: str | None) -> str:
    """Return the codec to read a file with.

    Args:
        path: for messages.
        stream: the file, which can be sought; it is left at its beginning.
        named: the encoding that the user names. It is only checked.

    Raises:
        InputError: the encoding is not clear, or the file is no text, or not in the one named.
    """
    try:
        head = stream.read(PART_BYTES)
        marked = next((codec for bom, codec in _BOMS if head.startswith(bom)), None)
        if named is not None:
            return check_named(path, stream, known_encoding(path, named), marked)
        if marked is not None:
            return marked
        if b"\x00" in head:
            found = find_utf16(head)
            if found is None:
                raise InputError(f"{path}: this is a binary file, not text")
            return found
        return _by_evidence(path, stream)
    finally:
        stream.seek(0)


def _by_evidence(path: Path, stream: BinaryIO) -> str:
    beyond = beyond_ascii(stream)
    if is_sure(beyond):
        return "utf-8"
    sample = take_sample(stream, None)
    if beyond == b"":
        _refuse_seven_bit(path, sample)
        return "utf-8"
    readings = [read_sample(sample, candidate) for candidate in _CANDIDATES]
    if beyond is not None:
        return judge_short_utf8(path, sample, readings)
    found = judge(path, sample, readings)
    refuse_relative(path, stream, found)
    return found


def _refuse_seven_bit(path: Path, sample: LineSample) -> None:
    for number, line in sample.lines:
        if _SEVEN_BIT.search(line):
            names = ("iso2022_jp", "hz") if b"\x1b" in line else ("hz", "utf-8")
            raise unclear(path, number, [(n, line.decode(n, "replace")) for n in names])
