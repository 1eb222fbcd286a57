"""Bounds of a share are the exact ones, for no trials and for a million."""

import pytest
from scipy.stats import beta, binom, binomtest

from core.proportion import interval, upper_bound


@pytest.mark.parametrize(
    ("hits", "trials"), [(3, 100), (0, 20), (20, 20), (1, 1), (499, 1_000), (2, 1_000_000)]
)
def test_the_interval_is_scipys_exact_one(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(0.95, method="exact")

    assert interval(hits, trials) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("hits", [0, 1, 37, 149])
def test_the_upper_bound_is_scipys_exact_one(hits: int, confidence: float) -> None:
    expected = beta.ppf(confidence, hits + 1, 150 - hits)

    assert upper_bound(hits, 150, confidence) == pytest.approx(expected, abs=1e-9)


def test_at_the_upper_bound_so_few_hits_are_as_rare_as_told() -> None:
    assert binom.cdf(3, 100, upper_bound(3, 100, 0.9)) == pytest.approx(0.1)


def test_of_no_trials_nothing_is_known() -> None:
    assert (upper_bound(0, 0, 0.9), interval(0, 0)) == (1.0, (0.0, 1.0))
