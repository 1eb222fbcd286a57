"""A ticket's meta: the object that came with it, and the columns that are no field."""

import json
from datetime import date, time
from typing import Any

from producer.tickets.scalars import FieldError, check_scalar

_MAX_DEPTH = 50
_MAX_VALUES = 10_000
_MAX_CHARS = 2_000_000


def read_meta(value: Any, rest: dict[str, Any]) -> dict[str, Any]:
    """Return the meta object as it is, with the columns that are no field beside it.

    Args:
        value: of the field ``meta``: an object, its JSON as an export writes it, or nothing.
        rest: column to value; a spreadsheet's dates become text. The object's keys go first.

    Raises:
        FieldError: it is no object, or ``check_meta`` refuses it.
    """
    if value is None or value == "":
        value = {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise FieldError("meta", "an object is expected") from error
    if not isinstance(value, dict):
        raise FieldError("meta", "an object is expected")
    meta = {**{column: _for_json(cell) for column, cell in rest.items()}, **value}
    check_meta(meta)
    return meta


def _for_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value


def check_meta(meta: dict[Any, Any]) -> None:
    """Refuse what is no JSON, what PostgreSQL's jsonb cannot hold, and what is far too large.

    Raises:
        FieldError: the object has such a value, or is too large or nested too deeply.
    """
    level: list[Any] = [meta]
    values = characters = 0
    for _ in range(_MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            inner += _inner_values(value)
            characters += len(value) if isinstance(value, str) else 0
            values += 1
            if max(values, len(inner)) > _MAX_VALUES or characters > _MAX_CHARS:
                raise FieldError(
                    "meta", f"more than {_MAX_VALUES:,} values or {_MAX_CHARS:,} characters"
                )
        level = inner
    if level:
        raise FieldError("meta", f"nested more than {_MAX_DEPTH} levels deep")


def _inner_values(value: Any) -> list[Any]:
    """Return what an object or array holds, keys too; a scalar holds nothing, but is checked."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise FieldError("meta", "a key is no text")
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        return list(value)
    if value is not None and not isinstance(value, str | int | float):
        raise FieldError("meta", f"holds a {type(value).__name__}, which JSON has not")
    check_scalar("meta", value)
    return []
