"""Two versions' figures are those of their reports, and their differences are paired."""

import numpy as np
import pytest

from tests.support.answered import answered
from training.contrast.measures import NAMES, Figures, differences
from training.evaluation import report_of

FIRST = answered("A A 0.9", "A B 0.8", "B B 0.7?", "B B 0.4?", "C - 0.3?", "C A 0.6")
SECOND = answered("A A 0.9", "A A 0.8", "B B 0.7", "B A 0.4?", "C - 0.3?", "C A 0.6?")
ALONE = np.arange(6)


def test_each_measure_is_that_of_the_report() -> None:
    for version in (FIRST, SECOND):
        report = report_of(version)

        found = dict(zip(NAMES, Figures.of_answers(version).of(np.ones(6)), strict=True))

        assert found == {
            "accuracy": pytest.approx(report.accuracy),
            "macro F1": pytest.approx(report.macro.f1),
            "calibration error": pytest.approx(report.calibration_error),
            "coverage": pytest.approx(report.coverage),
            "error of routed": pytest.approx(report.error),
        }


def test_a_ticket_drawn_twice_counts_as_two() -> None:
    twice = answered("A A 0.9", "A A 0.9", "A B 0.8", "B B 0.7?")
    once = answered("A A 0.9", "A B 0.8", "B B 0.7?")

    drawn = Figures.of_answers(once).of(np.array([2.0, 1.0, 1.0]))

    assert drawn == pytest.approx(Figures.of_answers(twice).of(np.ones(4)))


def test_a_difference_is_of_the_second_from_the_first_with_its_interval() -> None:
    found = {one.name: one for one in differences(FIRST, SECOND, ALONE)}

    coverage = found["coverage"]
    assert (coverage.first, coverage.second) == (3 / 6, 3 / 6)
    error = found["error of routed"]
    assert (error.first, error.second, error.difference) == (2 / 3, 0.0, -2 / 3)
    assert error.interval is not None
    assert error.interval[0] <= -2 / 3 <= error.interval[1] <= 0


def test_of_versions_that_answer_alike_no_difference_is_seen() -> None:
    for one in differences(FIRST, FIRST, ALONE):
        assert (one.difference, one.interval) == (0, (0, 0))


def test_a_version_that_routes_nothing_has_no_error() -> None:
    nothing = answered(*["A A 0.2?"] * 6)

    error = differences(FIRST, nothing, ALONE)[-1]

    assert (error.second, error.difference, error.interval) == (None, None, None)
