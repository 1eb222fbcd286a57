"""Temperature makes probabilities honest."""

import numpy as np
import pytest

from classifier.calibration import fit_temperature, softmax


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
