"""Temperature makes probabilities honest; the threshold keeps the error target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.calibration import HOLD_ALL, fit_temperature, softmax, threshold_for_error

ANSWERS = st.lists(
    # Few distinct values, so that equal probabilities are common.
    st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()),
    min_size=1,
    max_size=60,
)


def test_temperature_of_labels_drawn_from_the_softmax_itself_is_one() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 4)) * 2
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)])

    assert fit_temperature(logits, labels) == pytest.approx(1.0, abs=0.05)
    assert fit_temperature(logits * 5, labels) == pytest.approx(5.0, abs=0.25)


def test_temperature_is_finite_where_all_held_out_answers_are_right_or_there_are_none() -> None:
    right = fit_temperature(np.eye(3) * 4, np.arange(3))

    assert 0 < right < 1
    assert fit_temperature(np.empty((0, 3)), np.empty(0, dtype=np.int64)) == 1.0


def test_softmax_does_not_overflow() -> None:
    assert softmax(np.array([[10_000.0, 0.0]]), 0.02).tolist() == [[1.0, 0.0]]


def test_threshold_accepts_as_many_answers_as_the_target_allows() -> None:
    probability = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    correct = np.array([True, False, True, True, False])

    found = threshold_for_error(probability, correct, 0.25)

    # At 0.8 the error is 1/2, yet further down it is 1/4 again: the lowest such cut counts.
    assert found.threshold == 0.6
    assert found.coverage == pytest.approx(4 / 5)
    assert found.error == pytest.approx(1 / 4)


def test_equal_probabilities_are_accepted_or_held_back_together() -> None:
    probability = np.array([0.9, 0.6, 0.6, 0.6])
    correct = np.array([True, True, True, False])

    found = threshold_for_error(probability, correct, 0.1)

    assert (found.threshold, found.coverage) == (0.9, 0.25)


@pytest.mark.parametrize(
    ("probability", "correct"), [([0.99, 0.98], [False, False]), ([], [])], ids=["wrong", "none"]
)
def test_without_acceptable_answers_everything_is_held_back(
    probability: list[float], correct: list[bool]
) -> None:
    found = threshold_for_error(np.array(probability), np.array(correct, dtype=bool), 0.05)

    assert (found.threshold, found.coverage, found.error) == (HOLD_ALL, 0.0, None)
    assert found.threshold > 1


@given(answers=ANSWERS, target=st.floats(0, 1))
def test_threshold_is_the_lowest_that_keeps_the_error_target(
    answers: list[tuple[float, bool]], target: float
) -> None:
    probability = np.array([p for p, _ in answers])
    correct = np.array([right for _, right in answers])

    found = threshold_for_error(probability, correct, target)

    accepted = probability >= found.threshold
    assert found.coverage == accepted.mean()
    if accepted.any():
        assert found.error == (~correct[accepted]).mean() <= target
    for lower in probability[probability < found.threshold]:
        assert (~correct[probability >= lower]).mean() > target
