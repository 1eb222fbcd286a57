"""Looks: all of them together have one level."""

import pytest

from core.errors import InputError
from training.gate.looks import LEVEL, level_of


def test_all_looks_together_spend_the_level_and_no_more() -> None:
    spent = sum(level_of(look) for look in range(1, 10_000))

    assert 0.999 * LEVEL < spent < LEVEL


def test_the_first_look_has_the_largest_share() -> None:
    assert level_of(1) == pytest.approx(0.0304, abs=1e-4)
    assert level_of(1) / level_of(3) == pytest.approx(9)


def test_looks_are_counted_from_one() -> None:
    with pytest.raises(InputError, match="counted from 1, not 0"):
        level_of(0)
