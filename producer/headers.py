"""Names of columns: when two of them mean the same."""

import tomllib
import unicodedata
from collections.abc import Iterable
from importlib.resources import files

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


def _known() -> tuple[tuple[str, ...], frozenset[str]]:
    table = tomllib.loads((files("producer") / "column_names.toml").read_text("utf-8"))
    names = (*table["fields"], *table["common"])
    return tuple(table["fields"]), frozenset(map(name_key, names))


FIELD_NAMES, _KNOWN_KEYS = _known()
_LONGEST_NAME = 40


def is_known_word(cell: str) -> bool:
    """Say whether a cell is a column's name that tables of tickets often have."""
    return len(cell) <= _LONGEST_NAME and name_key(cell) in _KNOWN_KEYS
