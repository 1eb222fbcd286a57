"""Times as systems write them: an explicit table of forms, and no guess where two would fit.

docs/FILES.md lists what is read. A form that could mean two times (03/04/2026) is none of them:
its reader is told to name the form.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any

from core.names import is_blank
from producer.tickets.checks import FIRST_YEAR, LAST_YEAR
from producer.tickets.times.clock import time_of_day
from producer.tickets.times.forms import MONTHS, Parts, parts_of, plain_text, without_weekday
from producer.tickets.times.numbers import read_number
from producer.tickets.times.zones import in_zone

_MAX_SHOWN_CHARS = 60
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\+\d\d:\d\d|Z)?", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d*)?")
_TWO_WAYS = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})(?!\d)")
_ZERO_DATE = re.compile(r"0{4}[-/.年]?0?0[-/.月]?0?0日?(?:[ t]?[0:.]*z?)?")


class UnreadTimeError(ValueError):
    """A value is no time; the message says so and holds no more than the value."""


class TwoTimesError(UnreadTimeError):
    """A value could be two times: it may name the day or the month first."""


def read_time(value: Any, zone: tzinfo, formats: Sequence[str] = ()) -> datetime | None:
    """Read a time; without a zone of its own it is local time of ``zone``.

    Args:
        value: a text, a number, a ``date`` or ``datetime`` (from a spreadsheet), None.
        zone: of times that name none.
        formats: ``strptime`` formats that go before the table.

    Returns:
        An aware time, None where the value stands for none ("", "-", NULL, 0000-00-00 …).

    Raises:
        UnreadTimeError: the value is no time, could be two, or its year is not from 1900 to 9998.
    """
    found = _read(value, zone, formats)
    if found is not None and not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise UnreadTimeError(f"{_shown(value)}: the year is not from {FIRST_YEAR} to {LAST_YEAR}")
    return found if found is None or found.tzinfo else found.replace(tzinfo=zone)


def _read(value: Any, zone: tzinfo, formats: Sequence[str]) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise UnreadTimeError(f"a {type(value).__name__} where a date with a time is expected")
    if not formats and isinstance(value, str) and _ISO.fullmatch(value):
        try:
            return datetime.fromisoformat(value)  # the most frequent form, read fast
        except ValueError:
            pass  # 24:00, or no such day
    text = plain_text(str(value))
    if is_blank(text) or _ZERO_DATE.fullmatch(text):
        return None
    found = _by_formats((str(value).strip(), text), formats) or _by_table(text, zone)
    if found is None:
        raise _unread(value, text)
    return found


def _by_formats(spellings: Sequence[str], formats: Sequence[str]) -> datetime | None:
    for form in formats:
        for text in spellings:
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007  (the caller adds the zone)
            except ValueError:
                continue
    return None


def _by_table(text: str, zone: tzinfo) -> datetime | None:
    if _NUMBER.fullmatch(text):
        return read_number(text)
    parts = parts_of(text)
    if parts is None:
        return None
    try:
        return in_zone(datetime.combine(_date(parts), time()) + time_of_day(parts), parts, zone)
    except (ValueError, OverflowError):  # no such day, hour or zone
        return None


def _date(parts: Parts) -> date:
    year, day = int(parts["y"] or 0), int(parts["d"] or 0)
    if parts.get("week"):
        return date.fromisocalendar(year, int(parts["week"] or 0), day)
    name = parts.get("month")
    month = MONTHS.index(name[:3]) + 1 if name else int(parts["m"] or 0)
    return date(year, month, day)


def _unread(value: Any, text: str) -> UnreadTimeError:
    if _TWO_WAYS.match(without_weekday(text)):
        return TwoTimesError(
            f"{_shown(value)} may name the day or the month first: say which with --time-format "
            "'%d/%m/%Y %H:%M' or '%m/%d/%Y %H:%M'"
        )
    return UnreadTimeError(
        f"{_shown(value)} is no time such as 2026-03-01T09:30:00 or 2026/3/1 9:30; name its form "
        "with --time-format"
    )


def _shown(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "…")
