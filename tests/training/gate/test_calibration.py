"""Calibration no worse: the likelihood of being right, by pairs."""

import numpy as np
import pytest

from tests.support.judged import judged, said
from training.gate.answers import Answers
from training.gate.calibration import check_calibration, nll

TICKETS = judged("A" * 400)
NINE_OF_TEN = ("A" * 9 + "B") * 40


def test_a_version_that_is_too_sure_is_refused_though_it_answers_alike() -> None:
    finding = check_calibration(TICKETS, said(NINE_OF_TEN, 0.999), said(NINE_OF_TEN, 0.9))

    assert not finding.passed
    assert "calibration errors are 9.9% and 0.0%" in finding.text
    assert "recalibrate" in finding.cure


def test_the_same_probabilities_pass() -> None:
    finding = check_calibration(TICKETS, said(NINE_OF_TEN), said(NINE_OF_TEN))

    assert finding.passed
    assert finding.facts["difference"] == [0.0, 0.0]


def test_a_better_calibrated_version_passes() -> None:
    assert check_calibration(TICKETS, said(NINE_OF_TEN, 0.9), said(NINE_OF_TEN, 0.5)).passed


def test_a_loss_that_is_nothing_refuses_no_version_that_is_always_right() -> None:
    right = "A" * 400

    assert check_calibration(TICKETS, said(right, 0.9889), said(right, 0.99)).passed
    assert not check_calibration(TICKETS, said(right, 0.97), said(right, 0.99)).passed


def test_equal_versions_are_seldom_refused() -> None:
    random = np.random.default_rng(8)

    def version() -> Answers:
        probability = random.beta(8, 1, 400)
        units = np.where(random.random(400) < probability, "A", "B")
        return Answers(units, probability)

    refused = [not check_calibration(TICKETS, version(), version()).passed for _ in range(150)]

    assert np.mean(refused) <= 0.06


def test_a_wrong_answer_of_full_probability_costs_much_but_not_all() -> None:
    right = np.array([True, False])

    assert nll(np.array([1.0, 1.0]), right) == pytest.approx([1e-4, 9.21], abs=0.01)
