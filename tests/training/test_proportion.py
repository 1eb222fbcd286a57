"""Bounds of a share hold it as often as they say, and are the exact ones."""

import pytest
from scipy.stats import binom, binomtest

from training.proportion import interval, upper_bound


@pytest.mark.parametrize(("hits", "trials"), [(3, 100), (0, 20), (20, 20), (1, 1), (499, 1_000)])
def test_the_interval_is_scipys_exact_one(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(0.95, method="exact")

    assert interval(hits, trials) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_at_the_upper_bound_so_few_hits_are_as_rare_as_told() -> None:
    assert binom.cdf(3, 100, upper_bound(3, 100, 0.9)) == pytest.approx(0.1)


def test_of_no_trials_nothing_is_known() -> None:
    assert (upper_bound(0, 0, 0.9), interval(0, 0)) == (1.0, (0.0, 1.0))
