"""Texts and numbers that both databases hold, and the error of a field that holds another."""

import math
from typing import Any

_MAX_NUMBER_BITS = 14_000  # 4,200 digits: Python itself writes no more than 4,300


class FieldError(ValueError):
    """A field cannot be taken; the message says why and quotes no text of the ticket."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def check_scalar(field: str, value: Any) -> None:
    """Refuse a text or number that some database cannot hold.

    Raises:
        FieldError: the value is one.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise FieldError(field, f"holds {value}, which is no number; leave it out or write null")
    if isinstance(value, int) and value.bit_length() > _MAX_NUMBER_BITS:
        raise FieldError(field, f"holds a number of more than {_MAX_NUMBER_BITS:,} bits")
    if not isinstance(value, str):
        return
    if "\x00" in value:
        raise FieldError(field, "holds a NUL character: the file is damaged or no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise FieldError(field, "holds half a surrogate pair: the file is damaged") from None
