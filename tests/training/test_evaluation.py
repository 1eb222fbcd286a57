"""The report counts what a person would count by hand."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from classifier.interface import Decision, HeldBack
from core.errors import InputError
from core.proportion import interval
from training.evaluation import evaluate, expected_calibration_error
from training.samples import Sample

ALLOWED = frozenset("ABC")


class Scripted:
    """Answers "unit probability" texts with what they say; under 0.5 it is doubtful."""

    version = "scripted-1"
    kind = "scripted"
    units = frozenset("AB")
    token_budget = 100

    def __init__(self) -> None:
        self.batches: list[int] = []

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        self.batches.append(len(texts))
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> Decision:
        unit, number = text.split()
        probability = float(number)
        held_back: HeldBack | None = "doubtful" if probability < 0.5 else None
        if unit not in self.units:
            held_back = "unlearned"
        return Decision(unit, probability, ((unit, probability),), held_back, self.version)


def test_report_of_right_wrong_doubtful_and_unlearned_answers() -> None:
    samples = [
        Sample("A 0.9", "A"),
        Sample("A 0.8", "B"),
        Sample("B 0.7", "B"),
        Sample("B 0.4", "B"),
        Sample("C 0.3", "C"),  # right by luck: nothing learned was allowed
    ]

    report = evaluate(Scripted(), samples, ALLOWED)

    assert (report.version, report.n) == ("scripted-1", 5)
    assert report.accuracy == pytest.approx(3 / 5)
    a, b, c = (report.per_unit[code] for code in "ABC")
    assert (a.precision, a.recall, a.support) == (1 / 2, 1.0, 1)
    assert (b.precision, b.support) == (1.0, 3)
    assert b.recall == pytest.approx(2 / 3)
    assert (c.precision, c.recall, c.f1, c.support) == (0.0, 0.0, 0.0, 1)
    assert report.macro.f1 == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert report.weighted.recall == pytest.approx(3 / 5)
    assert report.coverage == pytest.approx(3 / 5)
    assert report.error == pytest.approx(1 / 3)
    assert report.accuracy_interval == interval(3, 5)
    assert (report.coverage_interval, report.error_interval) == (interval(3, 5), interval(1, 3))
    # From the surest on: right, wrong, right, right, wrong.
    assert report.curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert report.unknown_units == ("C",)


def test_report_is_json_with_names_as_they_are() -> None:
    report = evaluate(Scripted(), [Sample("A 0.9", "甲")], ALLOWED)

    assert "甲" in report.to_json()
    told = json.loads(report.to_json())
    assert told["per_unit"]["甲"]["support"] == 1
    assert (told["risk_coverage_area"], "curve" in told) == (1.0, False)


def test_batches_are_as_large_as_asked_and_lose_nothing() -> None:
    classifier = Scripted()

    report = evaluate(classifier, [Sample("A 0.9", "A")] * 7, ALLOWED, batch=3)

    assert classifier.batches == [3, 3, 1]
    assert (report.n, report.accuracy) == (7, 1.0)


def test_where_everything_is_held_back_there_is_no_error() -> None:
    report = evaluate(Scripted(), [Sample("A 0.1", "A")], ALLOWED)

    assert (report.coverage, report.error, report.error_interval) == (0.0, None, None)


def test_nothing_to_evaluate_on_is_refused() -> None:
    with pytest.raises(InputError, match="labelled ticket"):
        evaluate(Scripted(), [], ALLOWED)


def test_expected_calibration_error_is_the_weighted_gap() -> None:
    probability = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.0, 1.0])
    correct = np.array([True, True, True, False, True, False, True])

    # Bin of 0.9: confidence 0.9, accuracy 0.75, weight 4/7; of 0.5: 0.5 and 1, weight 1/7.
    expected = (4 * 0.15 + 0.5) / 7
    assert expected_calibration_error(probability, correct) == pytest.approx(expected)
