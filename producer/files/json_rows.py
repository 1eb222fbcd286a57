"""Rows of JSON: an array of objects, or one object a line. The first character tells which."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

from core.errors import InputError
from producer.files.json_array import read_json_array
from producer.files.json_lines import read_json_lines
from producer.files.json_values import new_decoder
from producer.files.rows import Row

_HEAD_CHARS = 1 << 16


def read_json(path: Path, text: io.TextIOWrapper, encoding: str) -> Iterator[Row]:
    """Read an array of objects, or one object a line.

    NaN and Infinity, which JSON does not have, become null.

    Raises:
        InputError: an array is broken, or the file is one object over several lines.
    """
    head = text.read(_HEAD_CHARS)
    text.seek(0)
    start = head.lstrip()
    first, end, _ = start.partition("\n")
    if start.startswith("[") and not _is_list_line(first):
        yield from read_json_array(path, text, encoding)
        return
    whole = bool(end) or len(head) < _HEAD_CHARS
    is_json = path.suffix.lower() == ".json"
    if first.strip() == "{" or (is_json and whole and not _is_json(first)):
        number = head[: len(head) - len(start)].count("\n") + 1
        raise InputError(
            f"{path}, line {number}: neither an array of objects nor one object a line; if the "
            "file is one object that holds the list, save the list alone"
        )
    yield from read_json_lines(text, encoding)


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
