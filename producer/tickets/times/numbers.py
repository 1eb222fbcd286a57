"""Times written as a number alone: told apart by the count of digits and by range.

The ranges do not overlap; docs/FILES.md lists them.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

# Seconds since 1970 from 2001-09-09 to 2286-11-20, and the same in milliseconds, microseconds and
# nanoseconds; days of a spreadsheet from 2000 to 2099.
_EPOCH_SECONDS = (10**9, 10**10)
_EPOCH_UNITS = (1, 10**3, 10**6, 10**9)
_SHEET_DAYS = (36526, 73051)
_SHEET_BEGIN = datetime(1899, 12, 30)  # noqa: DTZ001  (a local date)
_DAY_MS = 86_400_000
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}
_COMPACT_YEARS = range(1900, 2101)


def read_number(text: str) -> datetime | None:
    """Read digits, with a decimal point or without; None where they are no time.

    Returns:
        A naive time for digits such as 20260301 and a spreadsheet's days, an aware one for
        seconds since 1970.
    """
    number = Decimal(text)
    if number >= _EPOCH_SECONDS[1] * _EPOCH_UNITS[-1]:
        return None  # Python may refuse to write it: it has thousands of digits
    whole = int(number)
    digits = str(whole)
    if number == whole and (form := _COMPACT.get(len(digits))) and whole:
        return _compact(digits, form)
    if _SHEET_DAYS[0] <= number < _SHEET_DAYS[1]:
        milliseconds = round(number * _DAY_MS)  # a day's fraction is rounded in the file
        return _SHEET_BEGIN + timedelta(milliseconds=milliseconds)
    for unit in _EPOCH_UNITS:
        if _EPOCH_SECONDS[0] * unit <= number < _EPOCH_SECONDS[1] * unit:
            microseconds = int(number * 1_000_000 / unit)
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return None


def _compact(digits: str, form: str) -> datetime | None:
    try:
        found = datetime.strptime(digits, form)  # noqa: DTZ007  (the caller adds the zone)
    except ValueError:
        return None
    return found if found.year in _COMPACT_YEARS else None
