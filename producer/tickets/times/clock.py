"""The time of the day, with the words for its half: 下午3点, 3:05 PM."""

from datetime import time, timedelta

from producer.tickets.times.forms import Parts

# With these words the hours from 1 to 11 are those after noon.
_AFTERNOON = {"pm", "下午", "中午", "傍晚", "晚上", "晚间", "夜间"}
# 12 in the evening is midnight to some and noon's twelve to nobody; 中午11 is before noon.
_NOON, _EVENING, _LATE_MORNING = "中午", {"傍晚", "晚上", "晚间", "夜间"}, 10
_HALF_DAY = 12


def time_of_day(parts: Parts) -> timedelta:
    """Return the time since midnight; 24:00 is the end of the day.

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


def _first(parts: Parts, *names: str) -> int:
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
