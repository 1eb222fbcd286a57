"""JSON values: decoded with a little patience, and what one is worth as a row."""

import json
from typing import Any

from producer.files.rows import Row


def new_decoder() -> json.JSONDecoder:
    """Return a decoder that takes NaN and Infinity, which some programs write, for null."""
    return json.JSONDecoder(parse_constant=lambda _: None)


def row_of_value(line: int, value: Any) -> Row:
    """Return an object's row; any other value is refused."""
    if isinstance(value, dict):
        return Row(line, value)
    return Row(line, {}, f"a {type(value).__name__} where an object is expected")


def json_fault(error: Exception) -> str:
    """Say what is wrong with a JSON text, without a position that counts from elsewhere."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
