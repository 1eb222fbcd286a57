"""What a ticket must be, whoever hands it in: what both databases store alike."""

from datetime import datetime

from core.broker import LANES
from db.models import LEAST, URGENT
from db.tickets import NewTicket
from producer.tickets.meta import check_meta
from producer.tickets.scalars import FieldError, check_scalar

MAX_NAME_CHARS = 200
MAX_SOURCE_CHARS = 100
# Systems write years such as 1 or 9999 for "none", which overflow in another time zone.
FIRST_YEAR, LAST_YEAR = 1900, 9998


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
