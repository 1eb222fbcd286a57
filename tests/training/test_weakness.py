"""Which models are too weak, and what is said of them."""

import numpy as np

from training.weakness import below_commonest, below_linear

KNOWN = ["A", "A", "B"]
UNITS = ["A", "B", "A", "B"]


def test_no_better_than_the_commonest_unit_is_weak() -> None:
    as_good = np.array([True, False, True, False])

    told = below_commonest(as_good, UNITS, KNOWN)

    assert told is not None
    assert "50.0% of 4 held-out tickets right" in told
    assert "the commonest unit, A, 50.0%" in told


def test_better_than_the_commonest_unit_is_not() -> None:
    assert below_commonest(np.array([True, True, True, False]), UNITS, KNOWN) is None


def test_without_held_out_tickets_nothing_is_said() -> None:
    nothing = np.empty(0, dtype=np.bool_)

    assert below_commonest(nothing, [], KNOWN) is None
    assert below_linear(nothing, nothing, np.empty(0, dtype=np.int64)) is None


def test_a_linear_model_that_is_better_beyond_chance_makes_a_model_weak() -> None:
    right = np.arange(200) % 10 < 6
    by_linear = np.arange(200) % 10 < 9

    told = below_linear(right, by_linear, np.arange(200))

    assert told is not None
    assert "60.0% of 200 held-out tickets right" in told
    assert "a linear model that learned the same samples 90.0%" in told


def test_a_linear_model_that_is_better_by_chance_does_not() -> None:
    right = np.arange(20) % 2 == 0
    by_linear = right.copy()
    by_linear[1] = True

    assert below_linear(right, by_linear, np.arange(20)) is None
    assert below_linear(by_linear, right, np.arange(20)) is None
