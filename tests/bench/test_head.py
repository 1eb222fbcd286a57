"""The benchmark of the head: what it measures, on answers that are known."""

import numpy as np
import pytest

from bench.head import summary
from bench.head_measures import Part, answering, tickets_per_s
from registry.writer import TrainedVersion
from tests.support.llm import THEMES
from training.samples import Sample

PART = Part(
    [Sample(f"{letter * 9}", unit) for letter, unit in zip("红黄蓝白", "ABAB", strict=True)], "AB"
)
# Right, right, wrong and unsure, right.
LOGITS = np.array([[4.0, 0.0], [0.0, 4.0], [0.0, 1.0], [0.0, 3.0]])


def test_answers_are_measured_against_the_test_tickets() -> None:
    figures, right = PART.measured(LOGITS, "AB", temperature=1.0)

    assert right.tolist() == [True, True, False, True]
    assert figures["accuracy"] == 0.75
    assert figures["aurc"] == pytest.approx(0.25 * 0.25)  # the unsure one comes last
    right_ones = np.array([4.0, 4.0, -1.0, 3.0])
    assert figures["nll"] == pytest.approx(np.log1p(np.exp(-right_ones)).mean())


def test_the_gain_is_paired_ticket_by_ticket() -> None:
    right, over = np.ones(4), np.array([True, False, True, True])

    gain = PART.gain(right, over)

    assert gain["gain"] == 0.25
    assert gain["gain_low"] == 0 < gain["gain_high"]


def test_the_seeds_are_summed_up_by_their_means() -> None:
    rows = [{"by": "head", "accuracy": value} for value in (0.5, 0.7)] + [{"by": "names"}]
    right = [np.array([True, True, False, False]), np.array([True, True, True, False])]

    found = summary(PART, "head", rows, right, np.zeros(4, dtype=np.bool_))

    assert found["accuracy"] == pytest.approx(0.6)
    assert found["gain"] == pytest.approx(0.625)


def test_a_version_is_asked_either_way_whatever_it_chose(head_version: TrainedVersion) -> None:
    part = Part([Sample(text, unit) for unit, text in THEMES.items()], "ABC")

    for by in ("head", "names"):
        classifier, answer = answering(head_version, by)

        assert answer.by == by
        decisions = classifier.classify(part.texts, [frozenset("ABC")] * 3)
        assert [decision.unit for decision in decisions] == ["A", "B", "C"]
        assert tickets_per_s(classifier, part, passes=1) > 0
