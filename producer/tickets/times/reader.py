"""Times as systems write them: an explicit table of forms, and no guess where two would fit.

What is read is listed in docs/FILES.md. A form that could mean two times (03/04/2026) is none of
them: its reader is told to name the form.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from core.names import is_blank, is_invisible

# Systems write years such as 1 or 9999 for "none", which overflow in another time zone.
_FIRST_YEAR, _LAST_YEAR = 1900, 9998
_MAX_SHOWN_CHARS = 60

# Numbers, each kind by its own range. Seconds since 1970 from 2001-09-09 to 2286-11-20, and the
# same in milliseconds, microseconds and nanoseconds; days of a spreadsheet from 2000 to 2099.
_EPOCH_SECONDS = (10**9, 10**10)
_EPOCH_UNITS = (1, 10**3, 10**6, 10**9)
_SHEET_DAYS = (36526, 73051)
_SHEET_BEGIN = datetime(1899, 12, 30)  # noqa: DTZ001  (a local date)
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}
_COMPACT_YEARS = range(1900, 2101)

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = re.compile(
    r"\(?(?:星期|周|礼拜)[一二三四五六日天]\)?"
    r"|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\b[,.]?"
)
_HALF = r"(?P<{}>a\.?m\.?|p\.?m\.?|上午|下午|凌晨|清晨|早晨|早上|中午|傍晚|晚上|晚间|夜间)"
_CLOCK = (
    rf"(?:{_HALF.format('before')}\s*)?"
    r"(?P<h>\d{1,2})"
    r"(?:(?P<c>[:.])(?P<mi>\d{1,2})(?:(?P=c)(?P<s>\d{1,2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"|[时点](?:(?P<half>半)|(?P<mi2>\d{1,2})分?(?:(?P<s2>\d{1,2})秒?)?)?"
    r"|(?<=\d\d)(?P<mi3>\d{2})(?P<s3>\d{2})?)?"
    rf"(?:\s*{_HALF.format('after')})?"
)
_ZONE = (
    r"(?:\s*(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?)(?![\w:])"
    r"(?:\s*(?:\[[\w/+-]+\]|\([^)]*\)|[a-z]{3,5}\b))?)?"
    r"(?:\s+(?P<abbreviation>[a-z]{3,5}))?"
)
_DATES = (
    r"(?P<y>\d{4})(?P<sep>[-/.:])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})",
    r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})[日号]?",
    rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ -]{_MONTH}[ ,-]+(?P<y>\d{{4}})",
    rf"{_MONTH} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})",
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    r"(?P<y>\d{4})-?w(?P<week>\d{2})-?(?P<d>[1-7])",
)
# Between day and hour. Nothing parts them only where neither can take a digit of the other; a
# hyphen only in 2026-03-01-09.30.00, because 2026-03-01-05:00 is a day in a zone.
_PARTED = r"(?: ?t ?|,? |,|-(?=\d\d\.)|(?<=[日号])|(?=[上下凌清早中傍晚夜]))"
_DAY_ZONE = r"(?P<day_zone>z|[+-]\d\d:\d\d)"
_FORMS = (
    *(re.compile(rf"{day}(?:{_PARTED}{_CLOCK}{_ZONE}|{_DAY_ZONE})?") for day in _DATES),
    # As C, Java and JavaScript print a time: mar 1 09:30:00 cst 2026
    re.compile(rf"{_MONTH} (?P<d>\d{{1,2}}) {_CLOCK}{_ZONE} (?P<y>\d{{4}})"),
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\+\d\d:\d\d|Z)?", re.ASCII)
_TWO_WAYS = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})(?!\d)")
_ZERO_DATE = re.compile(r"0{4}[-/.年]?0?0[-/.月]?0?0日?(?:[ t]?[0:.]*z?)?")
# The hours from which a word counts on, for the hours 1 to 11; what it makes of 12.
_AFTERNOON = {"pm", "下午", "中午", "傍晚", "晚上", "晚间", "夜间"}
# 12 in the evening is midnight to some and noon's twelve to nobody; 中午11 is before noon.
_NOON, _EVENING, _LATE_MORNING = "中午", {"傍晚", "晚上", "晚间", "夜间"}, 10
_HALF_DAY = 12
_FARTHEST_ZONE = timedelta(hours=14)


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
    found = _found(value, zone, formats)
    if found is not None and not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise UnreadTimeError(
            f"{_shown(value)}: the year is not from {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    return found if found is None or found.tzinfo else found.replace(tzinfo=zone)


def _found(value: Any, zone: tzinfo, formats: Sequence[str]) -> datetime | None:
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
    text = _plain(str(value))
    if is_blank(text) or _ZERO_DATE.fullmatch(text):
        return None
    for form in formats:
        for written in (str(value).strip(), text):
            try:
                return datetime.strptime(written, form)  # noqa: DTZ007  (the caller adds the zone)
            except ValueError:
                continue
    if re.fullmatch(r"\d+(?:\.\d*)?", text):
        number = _number(text)
        if number is not None:
            return number
    elif (written_out := _written(text, zone)) is not None:
        return written_out
    if _TWO_WAYS.match(_WEEKDAY.sub("", text).strip()):
        raise TwoTimesError(
            f"{_shown(value)} may name the day or the month first: say which with --time-format "
            "'%d/%m/%Y %H:%M' or '%m/%d/%Y %H:%M'"
        )
    raise UnreadTimeError(
        f"{_shown(value)} is no time such as 2026-03-01T09:30:00 or 2026/3/1 9:30; name its form "
        "with --time-format"
    )


def _plain(text: str) -> str:
    """Return the text in plain width and small letters, single-spaced, without what is not seen."""
    if quoted := re.fullmatch(r'\s*="([^"]*)"\s*', text):  # a spreadsheet's form of a text
        text = quoted[1]
    if not (text.isascii() and text.isprintable()):
        seen = "".join(c for c in text if c.isspace() or not is_invisible(c))
        text = unicodedata.normalize("NFKC", seen)
    plain = " ".join(text.lower().split())
    return re.sub(r" ?([年月日号时点分秒]) ?", r"\1", plain).replace("\u2212", "-")


def _shown(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "…")


def _number(text: str) -> datetime | None:
    """Read digits alone, by their count and range: see the table in docs/FILES.md."""
    try:
        number = Decimal(text)
    except InvalidOperation:  # pragma: no cover  (the pattern lets no such text through)
        return None
    whole = int(number)
    digits = str(whole)
    if number == whole and (form := _COMPACT.get(len(digits))) and whole:
        try:
            compact = datetime.strptime(digits, form)  # noqa: DTZ007
        except ValueError:
            return None
        return compact if compact.year in _COMPACT_YEARS else None
    if _SHEET_DAYS[0] <= number < _SHEET_DAYS[1]:
        milliseconds = round(number * 86_400_000)  # a day's fraction is rounded in the file
        return _SHEET_BEGIN + timedelta(milliseconds=milliseconds)
    for unit in _EPOCH_UNITS:
        if _EPOCH_SECONDS[0] * unit <= number < _EPOCH_SECONDS[1] * unit:
            microseconds = int(number * 1_000_000 / unit)
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return None


def _written(text: str, zone: tzinfo) -> datetime | None:
    """Read a date, alone or with a time of the day and a zone; None for any other form."""
    bare = " ".join(_WEEKDAY.sub(" ", text).split()).strip(" ,")
    bare = re.sub(r" ?([年月日号时点分秒]) ?", r"\1", bare)
    for form in _FORMS:
        match = form.fullmatch(bare)
        if match is None:
            continue
        parts = match.groupdict()
        try:
            found = datetime.combine(_date(parts), time()) + _clock(parts)
            return _in_zone(found, parts, zone)
        except (ValueError, OverflowError):
            return None
    return None


def _date(parts: dict[str, str | None]) -> date:
    year, day = int(parts["y"] or 0), int(parts["d"] or 0)
    if parts.get("week"):
        return date.fromisocalendar(year, int(parts["week"] or 0), day)
    name = parts.get("month")
    month = _MONTHS.index(name[:3]) + 1 if name else int(parts["m"] or 0)
    return date(year, month, day)


def _clock(parts: dict[str, str | None]) -> timedelta:
    """Return the time of the day; 24:00 is the end of the day.

    Raises:
        ValueError: there is no such time, or the word beside it says another one.
    """
    if parts.get("h") is None:
        return timedelta()
    hour = _hour(int(parts["h"] or 0), parts.get("before"), parts.get("after"))
    minute = 30 if parts.get("half") else _first(parts, "mi", "mi2", "mi3")
    second = _first(parts, "s", "s2", "s3")
    micro = int((parts.get("f") or "0").ljust(6, "0")[:6])
    if (hour, minute, second, micro) == (24, 0, 0, 0):
        return timedelta(days=1)
    time(hour, minute, second)  # refuses what is out of range
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)


def _first(parts: dict[str, str | None], *names: str) -> int:
    return next((int(found) for name in names if (found := parts.get(name))), 0)


def _hour(hour: int, before: str | None, after: str | None) -> int:
    """Apply 上午, PM and the like to an hour.

    Raises:
        ValueError: there are two such words, or word and hour contradict each other.
    """
    if before and after:
        raise ValueError("two words for the half of the day")
    word = (before or after or "").replace(".", "")
    if not word:
        return hour
    if word not in _AFTERNOON:
        if hour > _HALF_DAY:
            raise ValueError("an hour after noon before noon")
        return hour % _HALF_DAY
    if word in _EVENING and hour == _HALF_DAY:
        raise ValueError("twelve in the evening")
    if hour == 0:
        raise ValueError("an hour before noon after noon")
    if hour >= _HALF_DAY or (word == _NOON and hour > _LATE_MORNING):
        return hour
    return hour + _HALF_DAY


def _in_zone(found: datetime, parts: dict[str, str | None], zone: tzinfo) -> datetime:
    """Attach the zone the text names.

    Raises:
        ValueError: it is an abbreviation that is not the one of the reading's own zone: CST is
            the time of China, of Chicago and of Cuba.
    """
    offset = parts.get("zone") or parts.get("day_zone")
    if offset:
        return found.replace(tzinfo=_offset(offset))
    abbreviation = parts.get("abbreviation")
    if abbreviation:
        local = found.replace(tzinfo=zone)
        if (local.tzname() or "").lower() != abbreviation:
            raise ValueError("an abbreviation of another zone")
        return local
    return found


def _offset(text: str) -> timezone:
    number = text.removeprefix("utc").removeprefix("gmt")
    if number in ("", "z"):
        return UTC
    sign = -1 if number[0] == "-" else 1
    digits = number[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    distance = timedelta(hours=int(hours), minutes=int(minutes))
    if distance > _FARTHEST_ZONE:
        raise ValueError("no zone is as far away")
    return timezone(sign * distance)
