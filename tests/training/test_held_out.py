"""Held-out answers set temperature and threshold, and say how good a model is."""

import numpy as np
import pytest

from training.held_out import calibrate, calibration_of, measure

# Right and sure three times, wrong and unsure once.
LOGITS = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [1.0, 0.0]])
LABELS = np.array([0, 0, 1, 1])


def test_the_threshold_keeps_the_wrong_answer_back() -> None:
    calibration = calibrate(LOGITS, LABELS, error_target=0.05)

    assert (calibration.coverage, calibration.error, calibration.held_out) == (0.75, 0.0, 4)
    assert calibration.temperature > 0
    sure = 1 / (1 + np.exp(-4 / calibration.temperature))
    assert calibration.threshold == pytest.approx(sure, abs=1e-6)


def test_without_held_out_answers_all_is_held_back() -> None:
    calibration = calibrate(np.empty((0, 2)), np.empty(0, dtype=np.int64), error_target=0.05)

    assert (calibration.temperature, calibration.held_out, calibration.coverage) == (1.0, 0, 0.0)
    assert calibration.threshold > 1
    assert measure(np.empty((0, 2)), np.empty(0, dtype=np.int64)) == {
        "accuracy": None,
        "macro_f1": None,
    }


def test_known_probabilities_are_calibrated_as_they_are() -> None:
    calibration = calibration_of(np.array([0.9, 0.6]), np.array([True, False]), error_target=0.5)

    assert (calibration.threshold, calibration.error, calibration.temperature) == (0.6, 0.5, 1.0)
    assert calibration.error_target == 0.5


def test_accuracy_and_macro_f1_are_those_of_the_best_answers() -> None:
    measured = measure(LOGITS, LABELS)

    assert measured["accuracy"] == 0.75
    assert measured["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
