"""Two versions answer the same tickets."""

import pytest

from core.errors import InputError
from tests.support.judged import Scripted
from training.contrast.contrast import contrast
from training.samples import Sample

SAMPLES = [
    Sample("路灯坏了，晚上看不见路", "A"),
    Sample("路灯坏了，晚上看不见路！", "A"),
    Sample("自来水管漏水，家里停水", "B"),
    Sample("学校不让孩子报名上学", "C"),
]
ALLOWED = frozenset("ABC")


def test_both_answer_each_ticket_and_near_duplicates_are_grouped() -> None:
    first = Scripted("v1", lambda text: "A")
    second = Scripted("v2", lambda text: "B" if "水" in text else "D")

    found = contrast(first, second, SAMPLES, ALLOWED)

    assert (found.n, found.groups, found.versions) == (4, 3, ("v1", "v2"))
    assert found.outcomes == (0, 2, 1, 1)
    assert first.asked == second.asked
    assert [report.accuracy for report in found.reports] == [0.5, 0.25]
    assert [(pair.unit, pair.answer) for pair in found.pairs] == [
        ("A", "D"),
        ("B", "A"),
        ("C", "A"),
        ("C", "D"),
    ]
    assert found.units == ["A", "B", "C", "D"]  # by their tickets


def test_without_tickets_there_is_nothing_to_compare() -> None:
    with pytest.raises(InputError, match="nothing to evaluate on"):
        contrast(Scripted("v1"), Scripted("v2"), [], ALLOWED)
