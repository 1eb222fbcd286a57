"""Times that are written as a number alone."""

from datetime import UTC, datetime

import pytest

from producer.tickets.times.numbers import read_number

HALF_PAST_NINE = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001  (digits tell no zone)


@pytest.mark.parametrize(
    "text",
    ["202603010930", "20260301093000", "20260301093000000", "20260301093000.0", "46082.3958333333"],
)
def test_digits_of_a_date_and_a_spreadsheets_days_are_local(text: str) -> None:
    assert read_number(text) == HALF_PAST_NINE


@pytest.mark.parametrize("unit", ["", "000", "000000", "000000000"])
def test_seconds_since_1970_and_their_parts_are_universal(unit: str) -> None:
    assert read_number(f"1772357400{unit}") == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["0", "2026", "202603", "12345", "20261301", "99991231", "9" * 20, "9" * 5000]
)
def test_other_numbers_are_no_time(text: str) -> None:
    """Python refuses to write a number of more than 4,300 digits."""
    assert read_number(text) is None
