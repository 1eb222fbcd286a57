"""The zone that a time names."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from producer.tickets.times.zones import in_zone

SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 3, 1, 9)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "hours"),
    [("z", 0), ("utc", 0), ("gmt+8", 8), ("+08:00", 8), ("-0530", -5.5), ("utc-3", -3)],
)
def test_an_offset_is_attached(text: str, hours: float) -> None:
    found = in_zone(NINE, {"zone": text}, SHANGHAI)

    assert found.replace(tzinfo=None) == NINE
    assert found.utcoffset() == timedelta(hours=hours)


def test_an_abbreviation_is_read_in_its_own_zone_alone() -> None:
    assert in_zone(NINE, {"abbreviation": "cst"}, SHANGHAI).tzinfo is SHANGHAI
    with pytest.raises(ValueError, match="another zone"):
        in_zone(NINE, {"abbreviation": "cst"}, ZoneInfo("Europe/Berlin"))


def test_a_time_that_names_no_zone_stays_naive() -> None:
    assert in_zone(NINE, {"zone": None}, SHANGHAI).tzinfo is None


@pytest.mark.parametrize("text", ["+15:00", "-99"])
def test_no_zone_is_farther_than_14_hours(text: str) -> None:
    with pytest.raises(ValueError, match="far away"):
        in_zone(NINE, {"day_zone": text}, SHANGHAI)
