"""Names of columns: when two of them mean the same."""

import tomllib
from collections.abc import Iterable
from importlib.resources import files

from core.names import name_key

# What joins the words of a column's name, beside white space.
_JOINERS = frozenset("_-")


def column_key(name: str) -> str:
    """Return what two names of one column have in common.

    As between any two names, case, width and invisible characters such as a byte order mark do
    not count; nor do spaces, underscores and hyphens: ``" External_ID"``, ``"external id"`` and
    ``"ＥＸＴＥＲＮＡＬ＿ＩＤ"`` are one.
    """
    return "".join(c for c in name_key(name) if c not in _JOINERS and not c.isspace())


def same_name(one: str, other: str) -> bool:
    """Say whether two column names mean the same column."""
    return one == other or column_key(one) == column_key(other)


def find_name(names: Iterable[str], wanted: str) -> str | None:
    """Return the name among ``names`` that means ``wanted``: itself, else the first alike."""
    candidates = list(names)
    if wanted in candidates:
        return wanted
    key = column_key(wanted)
    return next((name for name in candidates if column_key(name) == key), None)


def _known() -> tuple[tuple[str, ...], frozenset[str]]:
    table = tomllib.loads((files("producer.files") / "column_names.toml").read_text("utf-8"))
    names = (*table["fields"], *table["common"])
    return tuple(table["fields"]), frozenset(map(column_key, names))


FIELD_NAMES, _KNOWN_KEYS = _known()
_LONGEST_NAME = 40


def is_known_word(cell: str) -> bool:
    """Say whether a cell is a column's name that tables of tickets often have."""
    return len(cell) <= _LONGEST_NAME and column_key(cell) in _KNOWN_KEYS
