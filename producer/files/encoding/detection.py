"""Which encoding a file is in, by evidence: "it decodes" is none, for GB18030 decodes nearly all.

The whole file is looked at, in bounded memory: a byte order mark, strict UTF-8, then how plausible
its lines read in each encoding (``plausibility``). What is nearly UTF-8 stays UTF-8, and its
damaged rows are refused one by one. What is not clear is refused with the candidates.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import InputError
from producer.files.column_names import is_known_word
from producer.files.encoding import plausibility
from producer.files.encoding.line_sample import PIECE_BYTES, Sample, pieces, take_sample
from producer.files.encoding.utf16 import find_wide, is_wide
from producer.files.encoding.western_languages import has_western_letters, is_western
from producer.files.lines import DAMAGE, decode_damaged

# In the order in which equals are named.
CANDIDATES = ("utf-8", "gb18030", "cp950", "cp932", "euc_jp", "cp949", "cp1252")
# Encodings that differ from a candidate in a few characters alone: which one wrote the file?
_RELATIVES = {"cp950": "big5", "cp932": "shift_jis", "cp1252": "iso8859_15", "gb18030": "gbk"}
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What is meant by a name: UTF-8 with or without its mark; GB2312 and GBK with all that was added.
_MEANT = {"utf-8": "utf-8-sig", "gb2312": "gb18030", "gbk": "gb18030"}
_CHUNK_BYTES = 1 << 20
_SHORT_BYTES = 64  # of UTF-8 beyond ASCII: fewer may be another encoding by chance
# In nats. The second best must be a million times less likely, and the best itself clear.
_MARGIN = 14.0
_LINE_MARGIN = 20.0
_MIN_LINE_CHARACTERS = 4
_SHORT_MARGIN = 4.0  # for UTF-8, whose form alone is evidence
_MIN_GAIN = 5.0
_MIN_GAIN_PER_CHARACTER = 0.7
_SHOWN_CHARS = 30
_KNOWN_WORD = 8.0
_WESTERN_LINE = 12.0
_MIN_WESTERN_SHARE = 0.5
_MAX_DAMAGED_SHARE = 0.5
# Seven-bit encodings of Chinese and Japanese look like ASCII.
_SEVEN_BIT = re.compile(rb"\x1b\$[@AB(]|~\{(?:[!-w][!-~])+~\}")
_CONTROL = re.compile("[\x80-\x9f]")
_CELLS = re.compile(r'[,;\t|"\r\n]+')


@dataclass(frozen=True, slots=True)
class _Reading:
    """The sampled lines as one encoding reads them."""

    encoding: str
    texts: list[str]
    costs: list[float]

    @property
    def total(self) -> float:
        return sum(self.costs)


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
        head = stream.read(PIECE_BYTES)
        marked = next((codec for bom, codec in _BOMS if head.startswith(bom)), None)
        if named is not None:
            return _check_named(path, stream, known_encoding(path, named), marked)
        if marked is not None:
            return marked
        if b"\x00" in head:
            found = find_wide(head)
            if found is None:
                raise InputError(f"{path}: this is a binary file, not text")
            return found
        return _by_evidence(path, stream)
    finally:
        stream.seek(0)


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


def _check_named(path: Path, stream: BinaryIO, named: str, marked: str | None) -> str:
    """Refuse a named encoding in which most of the file cannot be what it says."""
    is_utf8 = named.startswith("utf-8")
    if (
        marked is not None
        and named.partition("-sig")[0] != marked.partition("-sig")[0]
        and not (marked.startswith(named[:6]) and named.startswith("utf"))
    ):
        raise InputError(
            f"{path}: begins with the mark of {marked.removesuffix('-sig')}, not {named}: leave "
            "--encoding out"
        )
    stream.seek(0)
    if named.startswith(("utf-16", "utf-32")):
        sample = Sample(wrong=int(not is_wide(stream.read(PIECE_BYTES), named)), seen=1)
    else:
        sample = take_sample(stream, named)
    if sample.wrong > _MAX_DAMAGED_SHARE * sample.seen:
        raise InputError(
            f"{path}: not {named} text ({sample.wrong:,} of {sample.seen:,} lines beyond ASCII "
            "cannot be decoded): name its encoding with --encoding, or save it as UTF-8"
        )
    if not is_utf8 and named != "ascii" and _is_utf8_for_sure(stream):
        raise InputError(f"{path}: this is UTF-8 text, not {named}: leave --encoding out")
    return named


def _is_utf8_for_sure(stream: BinaryIO) -> bool:
    """Say whether the file is UTF-8 throughout with so much beyond ASCII that it is no chance."""
    beyond = _strict_utf8(stream)
    return beyond is not None and len(beyond) > _SHORT_BYTES


def _strict_utf8(stream: BinaryIO) -> bytes | None:
    """Return what a UTF-8 file holds beyond ASCII, at most a little of it; None if it is none."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    beyond = b""
    while chunk := stream.read(_CHUNK_BYTES):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return None
        if len(beyond) <= _SHORT_BYTES and not chunk.isascii():
            beyond += bytes(byte for byte in chunk if byte >= 0x80)[: 2 * _SHORT_BYTES]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return beyond


def _by_evidence(path: Path, stream: BinaryIO) -> str:
    beyond = _strict_utf8(stream)
    if beyond is not None and len(beyond) > _SHORT_BYTES:
        return "utf-8"
    sample = take_sample(stream, None)
    if beyond == b"":
        seven = next(((n, line) for n, line in sample.lines if _SEVEN_BIT.search(line)), None)
        if seven is None:
            return "utf-8"
        number, line = seven
        names = ("iso2022_jp", "hz") if b"\x1b" in line else ("hz", "utf-8")
        raise InputError(_unclear(path, number, [(n, line.decode(n, "replace")) for n in names]))
    readings = [_read(sample, candidate) for candidate in CANDIDATES]
    if beyond is not None:
        return _short_utf8(path, sample, readings)
    return _judge(path, stream, sample, readings)


def _read(sample: Sample, encoding: str) -> _Reading:
    texts = [decode_damaged(line, encoding) for _, line in sample.lines]
    costs = [plausibility.cost(text) for text in texts]
    for index, text in enumerate(texts[:5]):
        # A known column name beyond ASCII comes out of one encoding alone.
        known = sum(is_known_word(cell) for cell in _CELLS.split(text) if not cell.isascii())
        costs[index] -= _KNOWN_WORD * known
    if encoding == "cp1252":
        costs = [
            cost - _WESTERN_LINE * is_western(text) for cost, text in zip(costs, texts, strict=True)
        ]
    return _Reading(encoding, texts, costs)


def _short_utf8(path: Path, sample: Sample, readings: list[_Reading]) -> str:
    """Take a little UTF-8 for what it is, unless another reading is much better."""
    utf8, *others = readings
    own = sum(
        min(cost, plausibility.script_cost(text))
        for cost, text in zip(utf8.costs, utf8.texts, strict=True)
    )
    best = min(others, key=lambda reading: reading.total)
    whole = "".join(best.texts)
    if (
        own <= best.total + _SHORT_MARGIN
        or DAMAGE.search(whole)
        or plausibility.gain(whole)[0] <= 0
    ):
        return "utf-8"
    raise InputError(_candidates(path, sample, [utf8, best]))


def _judge(path: Path, stream: BinaryIO, sample: Sample, readings: list[_Reading]) -> str:
    """Choose the reading that is clear in itself and beats every other, on the whole and by line.

    Raises:
        InputError: there is none.
    """
    ranked = sorted(readings, key=lambda reading: reading.total)
    best = ranked[0]
    rivals = [r for r in ranked[1:] if r.texts != best.texts]
    close = [r for r in rivals if r.total < best.total + _MARGIN]
    clear = _is_clear(best)
    if close or not clear:
        raise InputError(_candidates(path, sample, [best, *(close or rivals)][:3]))
    if best.encoding != "utf-8":
        _refuse_mixture(path, sample, best, rivals)
        _refuse_relative(path, stream, best.encoding)
    return best.encoding


def _is_clear(best: _Reading) -> bool:
    if best.encoding == "cp1252":
        western = sum(map(is_western, best.texts))
        whole_text = "".join(best.texts)
        return (
            not DAMAGE.search(whole_text)
            and has_western_letters(whole_text)
            and western >= _MIN_WESTERN_SHARE * len(best.texts)
        )
    whole = [plausibility.gain(DAMAGE.sub("", text)) for text in best.texts]
    gain = sum(gain for gain, _ in whole) + (
        sum(plausibility.cost(text) for text in best.texts) - best.total
    )
    wide = sum(wide for _, wide in whole)
    if best.encoding == "utf-8":
        # Its form is evidence in itself, so its damaged rows may be many.
        return gain >= 0 and wide > 0
    damaged = sum(bool(DAMAGE.search(text)) for text in best.texts)
    return gain >= max(
        _MIN_GAIN, _MIN_GAIN_PER_CHARACTER * wide
    ) and damaged <= _MAX_DAMAGED_SHARE * len(best.texts)


def _refuse_mixture(path: Path, sample: Sample, best: _Reading, rivals: list[_Reading]) -> None:
    """Refuse a file with a line that another encoding reads far better: it would be garbled."""
    for rival in rivals:
        for index, (own, other) in enumerate(zip(best.costs, rival.costs, strict=True)):
            wide = {character for character in best.texts[index] if character > "\x7f"}
            if other + _LINE_MARGIN < own and len(wide) >= _MIN_LINE_CHARACTERS:
                number = sample.lines[index][0]
                texts = [(r.encoding, r.texts[index]) for r in (best, rival)]
                raise InputError(_unclear(path, number, texts))


def _refuse_relative(path: Path, stream: BinaryIO, encoding: str) -> None:
    """Refuse a file in which two encodings of one family differ, such as cp932 and Shift-JIS.

    The relative is out of the question where it reads a control character: no text holds one.
    """
    relative = _RELATIVES.get(encoding)
    if relative is None:
        return
    differing: tuple[int, str, str] | None = None
    stream.seek(0)
    for number, piece, begins in pieces(stream):
        if piece.isascii() or not begins:
            continue
        text = decode_damaged(piece, encoding)
        other = decode_damaged(piece, relative)
        if text == other:
            continue
        if _CONTROL.search(other) and not _CONTROL.search(text):
            return
        if differing is None and not DAMAGE.search(other):
            differing = number, text, other
    if differing is not None:
        number, text, other = differing
        raise InputError(_unclear(path, number, [(encoding, text), (relative, other)]))


def _candidates(path: Path, sample: Sample, readings: list[_Reading]) -> str:
    """Write the refusal, with the first line in which the readings differ."""
    rows = list(zip(*(reading.texts for reading in readings), strict=True))
    index = next((i for i, texts in enumerate(rows) if len(set(texts)) > 1), 0)
    texts = [(reading.encoding, reading.texts[index]) for reading in readings]
    return _unclear(path, sample.lines[index][0], texts)


def _unclear(path: Path, number: int, texts: list[tuple[str, str]]) -> str:
    start = next((i for i, c in enumerate(texts[0][1]) if c > "\x7f"), 0)
    begin = max(0, start - _SHOWN_CHARS // 2)
    samples = [
        (encoding, DAMAGE.sub("\ufffd", text)[begin : begin + _SHOWN_CHARS].strip())
        for encoding, text in texts
    ]
    shown = "; ".join(f"{encoding} ({text!r})" for encoding, text in samples)
    return (
        f"{path}, line {number}: the encoding is not clear; this line would read as {shown}. Name "
        "it with --encoding NAME, or save the file as UTF-8"
    )
