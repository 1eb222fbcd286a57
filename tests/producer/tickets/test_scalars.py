"""Texts and numbers that both databases hold."""

from typing import Any

import pytest

from producer.tickets.scalars import FieldError, check_scalar


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a\x00b", "holds a NUL character"),
        ("a\ud800", "holds half a surrogate pair"),
        (float("nan"), "holds nan, which is no number"),
        (float("-inf"), "holds -inf"),
        (1 << 14_000, "holds a number of more than 14,000 bits"),
    ],
)
def test_what_some_database_cannot_hold_is_refused_by_its_field(value: Any, told: str) -> None:
    with pytest.raises(FieldError, match=told) as refused:
        check_scalar("district", value)

    assert refused.value.field == "district"
    assert "a\x00b" not in str(refused.value)


@pytest.mark.parametrize("value", [None, True, "", "\U0010ffff\x01", 1.5e308, -(1 << 13_999)])
def test_everything_else_is_taken(value: Any) -> None:
    check_scalar("district", value)
