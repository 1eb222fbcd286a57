"""The zone that a time names: an offset, or the abbreviation of the zone it is read in."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo

from producer.tickets.times.forms import Parts

_FARTHEST = timedelta(hours=14)


def in_zone(found: datetime, parts: Parts, zone: tzinfo) -> datetime:
    """Attach the zone that the parts name; leave a time naive where they name none.

    Args:
        found: a naive time.
        parts: of its text.
        zone: of times that name none.

    Raises:
        ValueError: an abbreviation is not the one of ``zone``: CST is the time of China, of
            Chicago and of Cuba. Or no zone is so far away.
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
    if distance > _FARTHEST:
        raise ValueError("no zone is as far away")
    return timezone(sign * distance)
