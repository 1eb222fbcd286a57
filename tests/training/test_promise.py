"""The threshold rule promises what it says: with 90 % confidence, and not more errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from classifier.calibration import HOLD_ALL
from classifier.manifest import Calibration
from core.proportion import upper_bound
from training.promise import (
    CONFIDENCE,
    GRID,
    Promise,
    fewest_answers,
    find_threshold,
    promise_line,
)

ANSWERS = st.lists(
    # Few distinct values, so that equal probabilities are common.
    st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans(), st.booleans()),
    max_size=200,
)


def drawn(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Answers whose probabilities are true, with many sure ones, as a model has."""
    rng = np.random.default_rng(seed)
    probability = 1 - rng.beta(0.3, 2.5, n).round(6) * 0.98
    return probability, rng.random(n) < probability


def test_the_error_of_routed_answers_keeps_the_target_in_nine_of_ten_draws() -> None:
    target, draws = 0.05, 300

    found = [find_threshold(*drawn(400, seed), target) for seed in range(draws)]

    thresholds = [one.threshold for one in found]
    many = np.sort(drawn(400_000, 1_000)[0])[::-1]
    true_errors = np.cumsum(1 - many) / np.arange(1, len(many) + 1)
    routed = np.searchsorted(-many, -np.array(thresholds), side="right")
    broken = int((true_errors[routed[routed > 0] - 1] > target).sum())
    # One-sided exact test: 10 % of 300 draws, with its own chance of one in a thousand.
    assert broken <= binom.ppf(0.999, draws, 1 - CONFIDENCE)
    # and the rule is of use: what holds all back promises, too
    assert thresholds.count(HOLD_ALL) < draws * 0.02
    assert np.mean([one.coverage for one in found]) > 0.6


@given(answers=ANSWERS, target=st.floats(0, 1))
def test_what_is_told_of_a_threshold_is_what_it_does(
    answers: list[tuple[float, bool, bool]], target: float
) -> None:
    probability = np.array([p for p, _, _ in answers])
    correct, routed = (np.array([one[at] for one in answers], dtype=bool) for at in (1, 2))

    found = find_threshold(probability, correct, target, routed)

    accepted = routed & (probability >= found.threshold)
    assert found.coverage == (accepted.mean() if len(answers) else 0)
    assert found.threshold == HOLD_ALL or found.threshold in GRID
    if accepted.any():
        wrong, n = int((~correct[accepted]).sum()), int(accepted.sum())
        assert found.error == wrong / n
        assert found.bound == upper_bound(wrong, n, CONFIDENCE) <= max(target, 1e-9) or target == 1
    else:
        assert (found.error, found.bound) == (None, None)


@pytest.mark.parametrize("target", [0.03, 0.05, 0.1])
def test_the_fewest_answers_that_could_do_do_where_all_are_right(target: float) -> None:
    fewest = fewest_answers(target)
    assert fewest is not None

    enough = find_threshold(np.full(fewest, 0.9), np.ones(fewest, dtype=bool), target)
    too_few = find_threshold(np.full(fewest - 1, 0.9), np.ones(fewest - 1, dtype=bool), target)

    assert (enough.coverage, enough.error, enough.needed) == (1.0, 0.0, None)
    assert enough.bound is not None
    assert enough.bound <= target
    assert too_few == Promise(HOLD_ALL, 0.0, needed=fewest)


def test_one_wrong_answer_at_the_top_does_not_hold_all_back() -> None:
    probability, correct = drawn(1_000, 3)
    probability, correct = np.append(probability, 1.0), np.append(correct, False)

    assert find_threshold(probability, correct, 0.05).coverage > 0.5


def test_a_promise_is_over_the_routed_alone() -> None:
    # given sure answers, half of them wrong, which no_unit holds back
    probability, correct = drawn(1_000, 4)
    stray = np.ones(500)
    both = np.append(probability, stray), np.append(correct, np.arange(500) % 2 == 0)
    routed = np.arange(1_500) < 1_000

    held_back = find_threshold(*both, 0.05, routed)

    alone = find_threshold(probability, correct, 0.05)
    assert held_back.threshold == alone.threshold < HOLD_ALL
    assert (held_back.error, held_back.bound) == (alone.error, alone.bound)
    assert held_back.coverage == pytest.approx(alone.coverage * 2 / 3)
    assert find_threshold(*both, 0.05).threshold == HOLD_ALL


def test_what_no_unit_holds_back_adds_to_the_answers_needed() -> None:
    probability, correct = np.full(50, 0.9), np.ones(50, dtype=bool)

    half = find_threshold(probability, correct, 0.05, np.arange(50) % 2 == 0)

    assert (find_threshold(probability, correct, 0.05).needed, half.needed) == (59, 118)


def test_all_wrong_is_held_back_and_no_number_of_answers_would_do() -> None:
    found = find_threshold(np.full(500, 0.99), np.zeros(500, dtype=bool), 0.05)

    assert found == Promise(HOLD_ALL, 0.0)


def test_where_a_few_are_wrong_more_answers_are_needed_than_the_fewest() -> None:
    # given 70 answers, two of them wrong: 2.9 %, under the target, but 7.4 % at the bound
    correct = np.arange(70) >= 2

    found = find_threshold(np.full(70, 0.9), correct, 0.05)

    assert found.threshold == HOLD_ALL
    assert found.needed is not None
    more = np.full(found.needed, 0.9), np.arange(found.needed) >= found.needed * 2 / 70
    assert find_threshold(*more, 0.05).coverage == 1.0
    assert 70 < found.needed < 700


def test_a_target_of_all_holds_nothing_back_and_one_of_none_all() -> None:
    probability, correct = np.array([0.4, 0.0]), np.array([False, True])

    everything = find_threshold(probability, correct, 1.0)
    nothing = find_threshold(np.ones(10_000), np.ones(10_000, dtype=bool), 0.0)

    assert (everything.threshold, everything.coverage, everything.error) == (0.0, 1.0, 0.5)
    assert nothing == Promise(HOLD_ALL, 0.0)
    none = np.empty(0), np.empty(0, dtype=bool)
    assert find_threshold(*none, 1.0) == Promise(0.0, 0.0)
    assert find_threshold(*none, 0.05) == Promise(HOLD_ALL, 0.0, needed=fewest_answers(0.05))


def told(target: float = 0.05, **found: float | None) -> str:
    facts = {"coverage": 0.0, "error": None, "threshold": HOLD_ALL, **found}
    return promise_line(
        Calibration.model_validate(
            {"temperature": 1.0, "error_target": target, "held_out": 40, **facts}
        )
    )


def test_one_line_says_what_is_promised_or_what_is_wanting() -> None:
    kept = told(threshold=0.8, coverage=0.75, error=0.02, error_bound=0.041)
    assert "75.0%" in kept
    assert "at most 4.10% of these wrong" in kept
    assert "needs at least 59 held-out tickets" in told(needed=59)
    assert "there are 40" in told(needed=59)
    assert "more than 5.00%" in told()
    assert "cannot be promised" in told(0.0)
