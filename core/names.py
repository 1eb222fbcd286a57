"""Names as people and systems write them: when two spellings are one name, which name nothing."""

import unicodedata
from functools import lru_cache

# Characters that show nothing although their category is a letter's, a mark's or a symbol's:
# the combining grapheme joiner, Hangul and Khmer fillers, Mongolian and other variation selectors
# (all of Unicode's Default_Ignorable_Code_Point), and the blank Braille pattern.
_BLANK_MARKS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2800"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
# Format characters (zero-width spaces, byte order and direction marks, soft hyphens), controls.
_INVISIBLE = ("Cf", "Cc")
_MARKS = ("Mn", "Me")  # they join the character before
# Scripts written without spaces between words.
_WIDE = ("W", "F")

# What systems write where a value is missing, as ``name_key`` gives it.
_NOTHING = frozenset(
    {
        *("null", "(null)", "<null>", "[null]", "\\n", "nil", "none", "nan", "nat", "undefined"),
        *("n/a", "na", "n.a.", "<na>", "#n/a", "#null!", "#ref!", "#value!", "#name?", "#div/0!"),
        *("无", "無", "暂无", "没有", "空", "空值", "未知", "不详", "未填", "未填写", "unknown"),
        *("/", "\\", "?", "??", "???"),
    }
)
# What people write where nobody has decided yet.
_UNDECIDED = frozenset({"待定", "待分配", "待派", "待派单", "未分配", "未派", "未派单", "tbd"})
_DASHES = "-_~.‐‑‒–—―─−"


@lru_cache(maxsize=1 << 14)
def name_key(name: str) -> str:
    """Return what two spellings of one name have in common.

    Case, width, Unicode form (NFC, NFD) and invisible characters do not count. A space counts only
    between two letters or digits of scripts that part words by spaces. The key of a key is itself.
    """
    while (plain := _plain(name)) != name:
        name = plain
    return name


def tidy_name(name: str) -> str:
    """Return a name as it looks: without invisible characters, in NFC, with single spaces."""
    seen = "".join(c for c in name if c.isspace() or not is_invisible(c))
    return " ".join(unicodedata.normalize("NFC", seen).split())


def spelled(name: str) -> str:
    """Return a name in quotes, with the characters escaped that look alike or like nothing."""
    composed = "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in _MARKS else c for c in name)
    return repr(composed).replace("\\\\u", "\\u")


def is_invisible(character: str) -> bool:
    """Say whether a character shows nothing and takes no room."""
    return character in _BLANK_MARKS or unicodedata.category(character) in _INVISIBLE


def is_blank(text: str) -> bool:
    """Say whether a value stands for none: empty, or one of the words that systems write for it."""
    key = name_key(text)
    return not key.strip(_DASHES) or key in _NOTHING


def is_blank_unit(name: str) -> bool:
    """Say whether a unit's name says that none is decided: a blank value, 待定 and the like.

    A unit of the taxonomy may bear such a name all the same: look it up there first.
    """
    return is_blank(name) or name_key(name) in _UNDECIDED


def _plain(name: str) -> str:
    if name.isascii() and name.isprintable() and " " not in name:
        return name.casefold()
    seen = "".join(c for c in name if c.isspace() or not is_invisible(c))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    words = folded.split()
    if not words:
        return ""
    joined = words[0]
    for word in words[1:]:
        joined += (" " if _parts_words(joined[-1]) and _parts_words(word[0]) else "") + word
    return joined


def _parts_words(character: str) -> bool:
    return character.isalnum() and unicodedata.east_asian_width(character) not in _WIDE
