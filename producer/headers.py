"""Names of columns: when two of them mean the same."""

import unicodedata
from collections.abc import Iterable

# Left out of a comparison: white space and what joins words. Invisible characters go by category.
_JOINERS = frozenset("_-")
_INVISIBLE = ("Cf", "Cc", "Zs", "Zl", "Zp")


def name_key(name: str) -> str:
    """Return what two names of one column have in common.

    Case, full width, white space, underscores, hyphens and invisible characters such as a byte
    order mark do not count: ``" External_ID"``, ``"external id"`` and ``"ＥＸＴＥＲＮＡＬ＿ＩＤ"``
    are one.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(
        character
        for character in plain
        if character not in _JOINERS and unicodedata.category(character) not in _INVISIBLE
    )


def same_name(one: str, other: str) -> bool:
    """Say whether two column names mean the same column."""
    return one == other or name_key(one) == name_key(other)


def find_name(names: Iterable[str], wanted: str) -> str | None:
    """Return the name among ``names`` that means ``wanted``: itself, else the first alike."""
    candidates = list(names)
    if wanted in candidates:
        return wanted
    key = name_key(wanted)
    return next((name for name in candidates if name_key(name) == key), None)
