"""Which column of a file means which field, and whether the named ones are there."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from core.errors import InputError
from producer.files.column_names import find_name
from producer.files.rows import Row

FIELDS = (
    "source",
    "external_id",
    "title",
    "text",
    "received_at",
    "lane",
    "priority",
    "due_at",
    "district",
    "unit",
    "meta",
)
# The article's schema. Its thought belongs to training, so it travels in meta.
THOUGHT = "Complex_CoT"
_ARTICLE = {"text": "Question", "unit": "Response"}
# In JSON each row has its own columns: one that is in none of so many rows is not in the file.
_ROWS_LOOKED_AT = 100
_ALIKE = 0.5  # how much two names must share for one to be offered instead of the other


def check_columns(columns: Mapping[str, str]) -> None:
    """Check a mapping of fields to columns given by a user.

    Raises:
        InputError: a field Paidan does not have.
    """
    for name in columns:
        if name not in FIELDS:
            raise InputError(
                f"--column {name}=…: there is no field {name!r}; fields: {', '.join(FIELDS)}"
            )


def columns_used(columns: Mapping[str, str]) -> set[str]:
    """Return the names under which columns are used as fields."""
    own = {name for name in FIELDS if name not in columns}
    return own | set(columns.values()) | {_ARTICLE[name] for name in _ARTICLE if name in own}


def column_names(columns_there: Iterable[str], named: Mapping[str, str]) -> Mapping[str, str]:
    """Return each field's column: as the user says, else by its own name, else the article's.

    Case, spaces and width of a column's name do not count (``producer.files.column_names``).
    """
    return _column_names(tuple(columns_there), tuple(named.items()))


@lru_cache(maxsize=256)
def _column_names(there: tuple[str, ...], named: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    article = find_name(there, "text") is None and find_name(there, "Question") is not None
    own = {name: _ARTICLE.get(name, name) if article else name for name in FIELDS}
    wanted = {**own, **dict(named)}
    return {field: find_name(there, column) or column for field, column in wanted.items()}


def with_columns(rows: Iterable[Row], named: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows, after a look at the first ones: do they have the text and the named columns?

    Raises:
        InputError: a column is in none of the first 100 rows; names those there are.
    """
    rows = iter(rows)
    first: list[Row] = []
    missing = {"text", *named}
    for row in rows:
        if row.problem is not None and not first:
            yield row
            continue
        first.append(row)
        if row.problem is None:
            names = column_names(row.values, named)
            missing = {field for field in missing if names[field] not in row.values}
        if not missing or len(first) == _ROWS_LOOKED_AT:
            break
    if first and missing:
        raise InputError(_missing(first, sorted(missing), named))
    yield from first
    yield from rows


def _missing(first: list[Row], fields: list[str], named: Mapping[str, str]) -> str:
    there = list(dict.fromkeys(column for row in first for column in row.values))
    field = next((field for field in fields if field in named), "text")
    wanted = column_names(first[0].values, named)[field]
    message = f"line {first[0].line}: no column {wanted!r} among {', '.join(map(repr, there))}"
    if len(first) > 1:
        message += f" in {len(first)} rows"
    if field in named:
        alike = difflib.get_close_matches(wanted, there, 1, _ALIKE)
        meant = f" did you mean {alike[0]!r}?" if alike else " name one that is there"
        return f"{message}. --column {field}={wanted}:{meant}"
    return (
        f"{message}. Expected are external_id, title, text, … or Question, Complex_CoT, Response; "
        "name another column with --column text=NAME"
    )
