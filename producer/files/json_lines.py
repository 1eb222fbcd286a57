"""Rows of JSON lines, one object a line: a broken line costs no other."""

import io
import json
from collections.abc import Iterator
from typing import Any

from producer.files import rows
from producer.files.damage import DAMAGE, damage_of
from producer.files.json_values import json_fault, new_decoder, row_of_value
from producer.files.lines import Line, read_lines
from producer.files.rows import Row


def read_json_lines(text: io.TextIOWrapper, encoding: str) -> Iterator[Row]:
    """Yield a row for each line that is not blank; commas behind the lines are taken."""
    decoder = new_decoder()
    for line in read_lines(text):
        if line.text.strip():
            yield _row(line, decoder, encoding)


def _row(line: Line, decoder: json.JSONDecoder, encoding: str) -> Row:
    if line.cut:
        reason = f"the line is longer than {rows.MAX_VALUE_CHARS:,} characters"
        return Row(line.number, {}, reason)
    if not line.text.isascii() and (damage := damage_of(line.text, encoding)):
        return Row(line.number, _rest(line.text, decoder), damage)
    try:
        return row_of_value(line.number, decoder.decode(line.text.strip().removesuffix(",")))
    except (ValueError, RecursionError) as error:
        return Row(line.number, {}, f"not JSON: {json_fault(error)}")


def _rest(text: str, decoder: json.JSONDecoder) -> dict[str, Any]:
    """Return what a damaged line still shows, for the file of refused rows."""
    try:
        value = decoder.decode(DAMAGE.sub("\ufffd", text).strip().removesuffix(","))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
