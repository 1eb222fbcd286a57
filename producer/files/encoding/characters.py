"""What a character costs in each language, in nats: the negative logarithm of its share."""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

# Where no table has the character.
ASCII_COST = 4.0
UNASSIGNED_COST = 30.0  # private use, unassigned, replacement character
PUNCTUATION_COST = 5.0
_CONTROL = 20.0
_SYMBOL = 10.0
_OTHER_LETTER = 15.0
_COMMON_HANZI, _RARE_HANZI = 12.0, 16.0
_SISTER = 3.0  # beyond the cost in a sister language

_PUNCTUATION = "，。、；：？！（）“”‘’《》—…·「」『』【】～％　＂＃－／０１２３４５６７８９"


class CharacterCosts(dict[str, float]):
    """Character to cost; what the language does not use is judged by its kind, once.

    Args:
        language: such as ``simplified`` or ``western``.
        known: characters of the language, with their costs.
        others: the same of the other languages.
    """

    def __init__(
        self, language: str, known: Mapping[str, float], others: Iterable[Mapping[str, float]]
    ) -> None:
        super().__init__(known)
        self._language = language
        self._others = list(others)

    def __missing__(self, character: str) -> float:
        cost = self._judge(character)
        self[character] = cost
        return cost

    def _judge(self, character: str) -> float:
        if character < "\x80":
            return ASCII_COST if character >= " " or character in "\t\r\n" else _CONTROL
        category = unicodedata.category(character)
        if category in ("Co", "Cn", "Cs") or character == "\ufffd":
            return UNASSIGNED_COST
        if category in ("Cc", "Cf"):
            return _CONTROL
        if self._language != "western":
            if character in _PUNCTUATION:
                return PUNCTUATION_COST
            if "\u4e00" <= character <= "\u9fff":
                return self._hanzi(character)
        return _OTHER_LETTER if category.startswith("L") else _SYMBOL

    def _hanzi(self, character: str) -> float:
        """Cost a hanzi without a share: one of a sister language is a name or a quotation."""
        common = _encodes(character, "gb2312") or _encodes(character, "big5")
        own = _COMMON_HANZI if common else _RARE_HANZI
        sisters = [table[character] for table in self._others if character in table]
        return min([own, *(cost + _SISTER for cost in sisters)])


def _encodes(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@cache
def character_costs() -> dict[str, CharacterCosts]:
    """Load the shares of ``characters.toml``: 2 ms, so only where an encoding is in doubt."""
    text = (files("producer.files.encoding") / "characters.toml").read_text("utf-8")
    known = {
        language: {character: float(cost) for cost, band in bands.items() for character in band}
        for language, bands in tomllib.loads(text).items()
    }
    return {
        language: CharacterCosts(
            language, table, [other for o, other in known.items() if o != language]
        )
        for language, table in known.items()
    }
