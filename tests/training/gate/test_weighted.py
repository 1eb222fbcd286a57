"""The bound on weighted gains: as exact tests where weights are equal, wary where few are heavy."""

import numpy as np
import pytest
from scipy.stats import binomtest

from training.gate.weighted import Weighted


def equal(gained: int, lost: int, total: float = 1_000) -> Weighted:
    """Every ticket stands for itself."""
    return Weighted(np.repeat([1.0, -1.0], [gained, lost]), total, 1.0)


@pytest.mark.parametrize(("gained", "lost"), [(20, 8), (18, 9), (60, 38), (5, 0), (30, 30)])
def test_with_equal_weights_it_decides_as_the_exact_test_or_more_warily(
    gained: int, lost: int
) -> None:
    p = binomtest(gained, gained + lost, alternative="greater").pvalue

    assert (equal(gained, lost).lower_bound(0.05) > 0) <= (p <= 0.05)
    assert (equal(gained, lost).lower_bound(0.05) > 0) >= (p <= 0.01)


def test_what_chance_did_not_draw_is_not_taken_for_absent() -> None:
    # Thirty gains among doubted tickets; of those that stand for a hundred each, none was lost.
    found = Weighted(np.ones(30), total=2_000.0, largest=100.0)

    assert found.gain == pytest.approx(0.015)
    assert found.lower_bound(0.05) < 0


def test_the_bound_is_over_the_truth_in_no_more_than_five_of_a_hundred_draws() -> None:
    random = np.random.default_rng(2)
    over = 0
    for _ in range(2_000):
        # Doubted tickets gain 20 on the average; heavy ones lose as much, two tickets of ten.
        light = random.poisson(40), random.poisson(20)
        heavy = random.poisson(2), random.poisson(4)
        gains = np.repeat([1.0, -1.0, 10.0, -10.0], [*light, *heavy])
        over += Weighted(gains, 1_000.0, 10.0).lower_bound(0.05) > 0

    assert over / 2_000 <= 0.05


def test_a_provable_gain_is_found_in_nine_of_ten_draws() -> None:
    random = np.random.default_rng(3)
    gain = equal(45, 45).provable(0.05)
    more = round(1_000 * gain / 2)

    found = [
        equal(random.poisson(45 + more), random.poisson(45 - more)).lower_bound(0.05) > 0
        for _ in range(500)
    ]

    assert 0.86 <= np.mean(found) <= 0.97


def test_without_a_disagreement_the_weights_alone_say_what_could_be_proved() -> None:
    none = Weighted(np.zeros(50), 1_000.0, 20.0)

    assert none.gain == 0
    assert none.provable(0.05) > 20 / 1_000
