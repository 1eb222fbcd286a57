"""The types of settings whose check is more than a range."""

import re
from collections.abc import Callable
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ByteSize, TypeAdapter, ValidationError

from core.database_url import parse_database_url
from core.redis_address import parse_redis_url

_MAX_WORKER_NAME_BYTES = 200
_HOURS = re.compile("|{0}-{0}".format("([01][0-9]|2[0-3]):[0-5][0-9]"), re.ASCII)
_SCHEDULE = re.compile("|[1-9][0-9]{0,6}|([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_WORKER_NAME = re.compile("[^\x00-\x1f\x7f/\ud800-\udfff]*")


def _readable_by(parse: Callable[[str], object]) -> AfterValidator:
    """Check that a URL can be read, and keep it as it was given."""

    def check(url: str) -> str:
        parse(url)
        return url

    return AfterValidator(check)


def _check_worker_name(name: str) -> str:
    """Refuse a name that some database, or some file system in a file's name, refuses."""
    if not _WORKER_NAME.fullmatch(name) or len(name.encode()) > _MAX_WORKER_NAME_BYTES:
        message = (
            f"at most {_MAX_WORKER_NAME_BYTES} bytes of printable characters without '/' are "
            "expected"
        )
        raise ValueError(message)
    return name


def _check_schedule(schedule: str) -> str:
    if not _SCHEDULE.fullmatch(schedule):
        message = f"{schedule!r} is neither minutes such as 360 nor a time of day such as 03:00"
        raise ValueError(message)
    return schedule


def _check_hours(hours: str) -> str:
    first, _, last = hours.partition("-")
    if not _HOURS.fullmatch(hours) or (hours and first == last):
        message = f"{hours!r} is no span of the day such as 02:00-05:00"
        raise ValueError(message)
    return hours


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        message = f"{name!r} is no time zone such as Asia/Shanghai or UTC"
        raise ValueError(message) from error
    return name


def _check_size(size: object) -> object:
    try:
        return TypeAdapter(ByteSize | None).validate_python(size)
    except ValidationError as error:
        message = f"{size!r} is no size such as 20GiB or 8000MB"
        raise ValueError(message) from error


DatabaseUrl = Annotated[str, _readable_by(parse_database_url)]
RedisUrl = Annotated[str, _readable_by(parse_redis_url)]
WorkerName = Annotated[str, AfterValidator(_check_worker_name)]
# Minutes between two, or a time of day; empty for never.
Schedule = Annotated[str, AfterValidator(_check_schedule)]
# From one time of day to another; empty for always.
Hours = Annotated[str, AfterValidator(_check_hours)]
TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
# Bytes, also written with a unit: 20GiB, 8000MB. None where there is no limit.
MemorySize = Annotated[ByteSize | None, BeforeValidator(_check_size)]
