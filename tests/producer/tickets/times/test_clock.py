"""The time of the day: words for its half, and its end."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from producer.tickets.times.clock import time_of_day
from producer.tickets.times.reader import read_time

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read(value: Any, *formats: str) -> datetime | None:
    return read_time(value, SHANGHAI, formats)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        *(("下午 3:05", 15.0), ("下午3:05", 15)),
        *(("晚上8:05", 20), ("中午12:05", 12), ("中午1:05", 13)),
        *(("凌晨12:05", 0), ("上午12:05", 0), ("12:05 PM", 12), ("12:05 AM", 0), ("21:05 PM", 21)),
        *(("下午15:05", 15), ("中午11:05", 11)),
    ],
)  # fmt: skip
def test_words_for_the_half_of_the_day_are_heeded(text: str, hour: int) -> None:
    assert read(f"2026/3/1 {text}") == datetime(2026, 3, 1, int(hour), 5, tzinfo=SHANGHAI)


@pytest.mark.parametrize("text", ["2026-02-28 24:00", "2026-02-28T24:00:00", "2026年2月28日24时"])
def test_the_end_of_a_day_is_the_begin_of_the_next(text: str) -> None:
    assert read(text) == datetime(2026, 3, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"h": "3", "before": "上午", "after": "pm"}, "two words"),
        ({"h": "15", "before": "上午"}, "an hour after noon before noon"),
        ({"h": "0", "after": "pm"}, "an hour before noon after noon"),
        ({"h": "12", "before": "晚上"}, "twelve in the evening"),
        ({"h": "24", "mi": "1"}, "hour must be"),
        ({"h": "9", "mi": "60"}, "minute must be"),
    ],
)
def test_an_hour_that_contradicts_its_word_is_none(parts: dict[str, str | None], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        time_of_day(parts)


def test_a_fraction_of_a_second_is_cut_to_microseconds() -> None:
    parts: dict[str, str | None] = {"h": "9", "mi": "5", "s": "7", "f": "123456789"}

    assert time_of_day(parts) == timedelta(hours=9, minutes=5, seconds=7, microseconds=123456)
