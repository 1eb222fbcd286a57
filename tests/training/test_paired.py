"""The paired interval: of a mean difference, with groups of near-duplicates drawn whole."""

import numpy as np
import pytest

from training.paired import bootstrap_intervals, paired_interval

GENERATOR = np.random.default_rng(3)


def test_it_is_about_two_standard_errors_to_either_side() -> None:
    differences = GENERATOR.normal(0.3, 1.0, size=2_000)

    low, high = paired_interval(differences, np.arange(2_000))

    error = differences.std() / np.sqrt(2_000)
    assert low == pytest.approx(differences.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(differences.mean() + 1.96 * error, abs=0.2 * error)


def test_it_holds_the_true_difference_in_19_of_20_draws() -> None:
    held = 0
    for _ in range(200):
        low, high = paired_interval(GENERATOR.normal(0.0, 1.0, size=100), np.arange(100))
        held += low <= 0 <= high

    assert 0.90 <= held / 200 <= 0.99


def test_near_duplicates_count_as_one_ticket() -> None:
    differences = GENERATOR.normal(0.0, 1.0, size=50)
    alone = paired_interval(differences, np.arange(50))

    told_nine_times = paired_interval(np.repeat(differences, 9), np.repeat(np.arange(50), 9))

    assert told_nine_times == pytest.approx(alone, abs=0.1)
    assert paired_interval(np.array([0.5, 0.5]), np.array([4, 4])) == (0.5, 0.5)


def test_the_intervals_of_any_statistic_are_those_of_its_draws() -> None:
    differences = np.array([1.0, 0, 0, -1, 1, 1, 0, 1])
    groups = np.array([3, 3, 1, 2, 2, 5, 6, 7])

    mean, nowhere = bootstrap_intervals(
        lambda times: np.array([(times * differences).sum() / times.sum(), np.nan]), groups
    )

    assert mean.tolist() == pytest.approx(paired_interval(differences, groups), abs=0.05)
    assert np.isnan(nowhere).all()
