"""Rows of JSON: one object a line, or an array of objects read value by value."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import InputError
from producer.files import rows
from producer.files.damage import DAMAGE, damage_of
from producer.files.json_window import ValueTooLongError, Window, new_decoder
from producer.files.lines import Line, read_lines
from producer.files.rows import Row

_HEAD_CHARS = 1 << 16


def read_json(path: Path, text: io.TextIOWrapper, encoding: str) -> Iterator[Row]:
    """Read an array of objects, or one object a line: the first character tells which.

    Commas behind the lines are taken. NaN and Infinity, which JSON does not have, become null.

    Raises:
        InputError: an array is broken, or the file is one object over several lines.
    """
    head = text.read(_HEAD_CHARS)
    text.seek(0)
    start = head.lstrip()
    first, end, _ = start.partition("\n")
    if start.startswith("[") and not _is_list_line(first):
        yield from _read_array(path, Window(text), encoding)
        return
    whole = bool(end) or len(head) < _HEAD_CHARS
    is_json = path.suffix.lower() == ".json"
    if first.strip() == "{" or (is_json and whole and not _is_json(first)):
        number = head[: len(head) - len(start)].count("\n") + 1
        raise InputError(
            f"{path}, line {number}: neither an array of objects nor one object a line; if the "
            "file is one object that holds the list, save the list alone"
        )
    decoder = new_decoder()
    for line in read_lines(text):
        if line.text.strip():
            yield _row_of_line(line, decoder, encoding)


def _is_json(text: str) -> bool:
    try:
        new_decoder().decode(text.strip().rstrip(","))
    except (ValueError, RecursionError):
        return False
    return True


def _is_list_line(text: str) -> bool:
    """Say whether a line is a whole list of something other than objects: no array of rows."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return bool(value) and not any(isinstance(item, dict) for item in value)


def _row_of_line(line: Line, decoder: json.JSONDecoder, encoding: str) -> Row:
    if line.cut:
        reason = f"the line is longer than {rows.MAX_VALUE_CHARS:,} characters"
        return Row(line.number, {}, reason)
    if not line.text.isascii() and (damage := damage_of(line.text, encoding)):
        return Row(line.number, _rest(line.text, decoder), damage)
    try:
        return _as_row(line.number, decoder.decode(line.text.strip().removesuffix(",")))
    except (ValueError, RecursionError) as error:
        return Row(line.number, {}, f"not JSON: {_fault(error)}")


def _rest(text: str, decoder: json.JSONDecoder) -> dict[str, Any]:
    """Return what a damaged line still shows, for the file of refused rows."""
    try:
        value = decoder.decode(DAMAGE.sub("\ufffd", text).strip().removesuffix(","))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read_array(path: Path, window: Window, encoding: str) -> Iterator[Row]:
    window.peek()
    window.skip()
    while (character := window.peek()) != "]":
        if character == "":
            raise InputError(f"{path}, line {window.line}: the file ends inside the array")
        line = window.line
        try:
            value, raw = window.value()
        except ValueTooLongError:
            reason = f"the value is longer than {rows.MAX_VALUE_CHARS:,} characters"
            yield Row(line, {}, reason)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}, line {line}: the value that begins here is not JSON "
                f"({_fault(error)}); what stood before was read"
            ) from error
        else:
            damage = None if raw.isascii() else damage_of(raw, encoding)
            yield Row(line, {}, damage) if damage else _as_row(line, value)
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


def _fault(error: Exception) -> str:
    """Say what is wrong with a JSON text, without a position that counts from elsewhere."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _as_row(line: int, value: Any) -> Row:
    if isinstance(value, dict):
        return Row(line, value)
    return Row(line, {}, f"a {type(value).__name__} where an object is expected")
