"""What a ticket must be, whoever hands it in: what both databases store alike."""

import math
from datetime import datetime
from typing import Any

from core.broker import LANES
from db.models import LEAST, URGENT
from db.tickets import NewTicket

MAX_NAME_CHARS = 200
MAX_SOURCE_CHARS = 100
# Systems write years such as 1 or 9999 for "none", which overflow in another time zone.
FIRST_YEAR, LAST_YEAR = 1900, 9998
_MAX_META_DEPTH = 50
_MAX_META_VALUES = 10_000
_MAX_META_CHARS = 2_000_000
_MAX_NUMBER_BITS = 14_000  # 4,200 digits: Python itself writes no more than 4,300


class FieldError(ValueError):
    """A field cannot be taken; the message says why and quotes no text of the ticket."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def check_ticket(ticket: NewTicket, *, max_chars: int) -> None:
    """Refuse a ticket that some database cannot store, or that is none.

    Args:
        ticket: any program's; nothing of it is taken for granted.
        max_chars: what title and text may have.

    Raises:
        FieldError: names the first field that is wrong.
    """
    _check_text("source", ticket.source, MAX_SOURCE_CHARS, needed=True)
    _check_text("external_id", ticket.external_id, MAX_NAME_CHARS, needed=True)
    _check_text("text", ticket.text, max_chars, needed=True)
    _check_text("title", ticket.title, max_chars)
    _check_text("district", ticket.district, MAX_NAME_CHARS)
    _check_text("unit", ticket.unit, MAX_NAME_CHARS)
    if type(ticket.lane) is not str or ticket.lane not in LANES:
        raise FieldError("lane", f"is no lane; lanes are {' and '.join(LANES)}")
    if type(ticket.priority) is not int or not URGENT <= ticket.priority <= LEAST:
        raise FieldError("priority", f"is none of {URGENT} (urgent) to {LEAST} (can wait)")
    _check_time("received_at", ticket.received_at)
    _check_time("due_at", ticket.due_at)
    if not isinstance(ticket.meta, dict):
        raise FieldError("meta", "an object is expected")
    check_meta(ticket.meta)


def _check_text(field: str, value: object, limit: int, *, needed: bool = False) -> None:
    if value is None and not needed:
        return
    if type(value) is not str:
        raise FieldError(field, f"a {type(value).__name__} where text is expected")
    if needed and not value.strip():
        raise FieldError(field, f"the {field} is missing or blank")
    if len(value) > limit:
        raise FieldError(field, f"{len(value):,} characters; at most {limit:,} are taken")
    check_scalar(field, value)


def _check_time(field: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, datetime):
        raise FieldError(field, f"a {type(value).__name__} where a datetime is expected")
    if value.utcoffset() is None:
        raise FieldError(field, "a time zone is missing")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise FieldError(field, f"the year is not from {FIRST_YEAR} to {LAST_YEAR}")


def check_scalar(field: str, value: Any) -> None:
    """Refuse a text or number that some database cannot hold.

    Raises:
        FieldError: it is one.
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


def check_meta(meta: dict[Any, Any]) -> None:
    """Refuse what is no JSON, what PostgreSQL's jsonb cannot hold, and what is out of all measure.

    Raises:
        FieldError: it is so.
    """
    level: list[Any] = [meta]
    values = characters = 0
    for _ in range(_MAX_META_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                if not all(isinstance(key, str) for key in value):
                    raise FieldError("meta", "a key is no text")
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list | tuple):
                inner += value
            elif value is None or isinstance(value, str | int | float):
                check_scalar("meta", value)
                characters += len(value) if isinstance(value, str) else 0
            else:
                raise FieldError("meta", f"holds a {type(value).__name__}, which JSON has not")
            values += 1
            if max(values, len(inner)) > _MAX_META_VALUES or characters > _MAX_META_CHARS:
                raise FieldError(
                    "meta",
                    f"more than {_MAX_META_VALUES:,} values or {_MAX_META_CHARS:,} characters",
                )
        level = inner
    if level:
        raise FieldError("meta", f"nested more than {_MAX_META_DEPTH} levels deep")
