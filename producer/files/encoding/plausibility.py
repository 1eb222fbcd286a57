"""How plausible a decoded text is: the evidence by which one encoding beats another.

Every reading of the same bytes gets a cost in nats, the negative log-likelihood under the language
that fits it best, from shares of characters. The right reading of a Chinese sentence costs some 7
a character. A wrong one meets rare or unassigned characters, at 12 to 30 each.
"""

import re
import unicodedata

from producer.files.damage import DAMAGE
from producer.files.encoding.characters import ASCII_COST, UNASSIGNED_COST, character_costs

# In nats. A character drawn blindly from a double-byte set: ln(10,000). Cheaper is evidence.
_BLIND_COST = 9.2
_DAMAGE_COST = 8.0  # a byte that the encoding does not know; any byte at all is ln(256) = 5.5
_STRAY_ACCENT_COST = 8.0
_SAME_SCRIPT, _FIRST_LETTER, _OTHER_SCRIPT = 6.0, 10.0, 16.0
_SYMBOL_COST = 10.0

# A western accented letter stands in a word: beside an ASCII letter, rarely beside another.
_LONE_ACCENT = re.compile(r"(?<![A-Za-z])[À-ÖØ-öø-ÿŒœŠšŽžŸ]+(?![A-Za-z])")
_ACCENTS = re.compile(r"[À-ÖØ-öø-ÿŒœŠšŽžŸ]{2,}")
_SEGMENT = 200  # characters judged under one language


def cost(text: str) -> float:
    """Return the cost of a decoded text in nats, each stretch under the language it fits best."""
    return sum(
        _segment_cost(text[start : start + _SEGMENT]) for start in range(0, len(text), _SEGMENT)
    )


def _segment_cost(segment: str) -> float:
    damage = _DAMAGE_COST * len(DAMAGE.findall(segment))
    if damage:
        segment = DAMAGE.sub("", segment)
    tables = character_costs()
    if segment.isascii():
        return damage + sum(map(tables["western"].__getitem__, segment))
    best = min(
        sum(map(table.__getitem__, segment)) + (_strays(segment) if name == "western" else 0.0)
        for name, table in tables.items()
    )
    return damage + best


def _strays(segment: str) -> float:
    found = len(_LONE_ACCENT.findall(segment)) + len(_ACCENTS.findall(segment))
    return _STRAY_ACCENT_COST * found


def gain(text: str) -> tuple[float, int]:
    """Return by how many nats a text beats blind chance, and its number of non-ASCII characters."""
    beyond_ascii = sum(character > "\x7f" for character in text)
    blind = _BLIND_COST * beyond_ascii + ASCII_COST * (len(text) - beyond_ascii)
    return blind - cost(text), beyond_ascii


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
            total += UNASSIGNED_COST
        elif not category.startswith(("L", "M")):
            total += _SYMBOL_COST
        else:
            total += _SAME_SCRIPT if script == last else _OTHER_SCRIPT if last else _FIRST_LETTER
            last = script
    return total
