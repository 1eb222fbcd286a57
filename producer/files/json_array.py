"""Rows of a JSON array of objects, decoded value by value, so that a long file needs no memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from core.errors import InputError
from producer.files import rows
from producer.files.damage import damage_of
from producer.files.json_values import json_fault, row_of_value
from producer.files.json_window import ValueTooLongError, Window
from producer.files.rows import Row


def read_json_array(path: Path, text: TextIO, encoding: str) -> Iterator[Row]:
    """Yield a row for each value.

    Raises:
        InputError: the array is broken; what stood before was yielded.
    """
    window = Window(text)
    window.peek()
    window.skip()
    while (character := window.peek()) != "]":
        if character == "":
            raise InputError(f"{path}, line {window.line}: the file ends inside the array")
        yield _row(path, window, encoding)
        following = window.peek()
        if following == ",":
            window.skip()
        elif following not in ("]", ""):
            raise InputError(f"{path}, line {window.line}: a comma is missing between two values")
    window.skip()
    if window.peek() != "":
        raise InputError(
            f"{path}, line {window.line}: text follows the end of the array; only what stood "
            "before was read"
        )


def _row(path: Path, window: Window, encoding: str) -> Row:
    line = window.line
    try:
        value, raw = window.value()
    except ValueTooLongError:
        return Row(line, {}, f"the value is longer than {rows.MAX_VALUE_CHARS:,} characters")
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}, line {line}: the value that begins here is not JSON "
            f"({json_fault(error)}); what stood before was read"
        ) from error
    damage = None if raw.isascii() else damage_of(raw, encoding)
    return Row(line, {}, damage) if damage else row_of_value(line, value)
