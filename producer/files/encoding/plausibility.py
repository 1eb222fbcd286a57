"""How plausible a decoded text is: the evidence by which one encoding beats another.

Every reading of the same bytes gets a cost in nats, the negative log-likelihood under the language
that fits it best, from shares of characters. The right reading of a Chinese sentence costs some 7
a character; a wrong one meets rare or unassigned characters, at 12 to 30 each.
"""

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

# Costs in nats of one character, where no table has it.
ASCII_COST = 4.0
_CONTROL = 20.0
_UNASSIGNED = 30.0  # private use, unassigned, replacement character
_SYMBOL = 10.0
_OTHER_LETTER = 15.0
# A character drawn blindly from a double-byte set: ln(10,000). Cheaper is evidence.
BLIND_COST = 9.2
_DAMAGE = 8.0  # a byte that the encoding does not know; any byte at all is ln(256) = 5.5

_PUNCTUATION = "，。、；：？！（）“”‘’《》—…·「」『』【】～％　＂＃－／０１２３４５６７８９"
_PUNCTUATION_COST = 5.0
_DAMAGED = re.compile("[\udc00-\udfff]")
# A western accented letter stands in a word: beside an ASCII letter, rarely beside another.
_LONE_ACCENT = re.compile(r"(?<![A-Za-z])[À-ÖØ-öø-ÿŒœŠšŽžŸ]+(?![A-Za-z])")
_ACCENTS = re.compile(r"[À-ÖØ-öø-ÿŒœŠšŽžŸ]{2,}")
_SEGMENT = 200  # characters judged under one language


class _Table(dict[str, float]):
    """Character to cost; what the language does not use is judged by its kind, once."""

    def __init__(self, language: str, known: dict[str, float], others: list[dict[str, float]]):
        super().__init__(known)
        self._language = language
        self._others = others

    def __missing__(self, character: str) -> float:
        cost = self._judge(character)
        self[character] = cost
        return cost

    def _judge(self, character: str) -> float:
        if character < "\x80":
            return ASCII_COST if character >= " " or character in "\t\r\n" else _CONTROL
        category = unicodedata.category(character)
        if category in ("Co", "Cn", "Cs") or character == "\ufffd":
            return _UNASSIGNED
        if category in ("Cc", "Cf"):
            return _CONTROL
        if self._language != "western":
            if character in _PUNCTUATION:
                return _PUNCTUATION_COST
            if "\u4e00" <= character <= "\u9fff":
                return self._hanzi(character)
        if not category.startswith("L"):
            return _SYMBOL
        return _OTHER_LETTER

    def _hanzi(self, character: str) -> float:
        """Cost a hanzi without a share: one of a sister language is a name or a quotation."""
        sister = min((table[character] for table in self._others if character in table), default=99)
        common = 12.0 if _encodes(character, "gb2312") or _encodes(character, "big5") else 16.0
        return min(common, sister + 3.0) if sister < 99 else common


def _encodes(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _tables() -> dict[str, _Table]:
    """Load the shares of ``characters.toml``: 2 ms, so only where an encoding is in doubt."""
    text = (files("producer.files.encoding") / "characters.toml").read_text("utf-8")
    known = {
        language: {character: float(cost) for cost, band in bands.items() for character in band}
        for language, bands in tomllib.loads(text).items()
    }
    return {
        language: _Table(language, table, [other for o, other in known.items() if o != language])
        for language, table in known.items()
    }


def cost(text: str) -> float:
    """Return the cost of a decoded text in nats, each stretch under the language it fits best."""
    return sum(
        _segment_cost(text[start : start + _SEGMENT]) for start in range(0, len(text), _SEGMENT)
    )


def _segment_cost(segment: str) -> float:
    damage = _DAMAGE * len(_DAMAGED.findall(segment))
    if damage:
        segment = _DAMAGED.sub("", segment)
    if segment.isascii():
        return damage + sum(map(_tables()["western"].__getitem__, segment))
    best = min(
        sum(map(table.__getitem__, segment)) + (_strays(segment) if name == "western" else 0.0)
        for name, table in _tables().items()
    )
    return damage + best


def _strays(segment: str) -> float:
    return 8.0 * (len(_LONE_ACCENT.findall(segment)) + len(_ACCENTS.findall(segment)))


def gain(text: str) -> tuple[float, int]:
    """Return by how many nats a text beats blind chance, and its number of non-ASCII characters."""
    wide = sum(character > "\x7f" for character in text)
    return BLIND_COST * wide + ASCII_COST * (len(text) - wide) - cost(text), wide


def script_cost(text: str) -> float:
    """Return the cost of a text of any script, known or not: letters of one script stay together.

    For UTF-8 alone, whose form is evidence in itself: Russian or Thai has no table here.
    """
    total, last = 0.0, ""
    for character in text:
        if character < "\x80":
            total += ASCII_COST
            last = ""
            continue
        script = unicodedata.name(character, "?").split()[0]
        category = unicodedata.category(character)
        if category in ("Co", "Cn", "Cs", "Cc"):
            total += _UNASSIGNED
        elif not category.startswith(("L", "M")):
            total += _PUNCTUATION_COST * 2
        else:
            total += 6.0 if script == last else 16.0 if last else 10.0
            last = script
    return total
