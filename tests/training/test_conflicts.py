"""Near-duplicates with different units are told of by their place, without a word of theirs."""

import numpy as np

from tests.support.told import Told
from training.conflicts import conflicts, tell_conflicts
from training.samples import Sample

SAMPLES = [
    Sample("路灯坏了", "A", source="line 2"),
    Sample("停水", "B", source="line 3"),
    Sample("路灯坏了!", "C", source="line 4"),
    Sample("路灯坏了?", "A", source="line 5"),
    Sample("停水。", "B"),
]
GROUPS = np.array([0, 1, 0, 0, 1])


def test_a_group_with_different_units_is_a_conflict() -> None:
    assert conflicts(SAMPLES, GROUPS) == [[SAMPLES[0], SAMPLES[2]]]
    assert conflicts([], np.empty(0, dtype=np.int64)) == []


def test_conflicts_are_told_in_one_line_without_their_texts() -> None:
    told = Told()

    tell_conflicts(SAMPLES, GROUPS, told)

    assert len(told.lines) == 1
    assert "different units: 1, such as" in told.lines[0]
    assert "line 2 (A) and line 4 (C)" in told.lines[0]
    assert "路灯" not in told.lines[0]


def test_of_many_conflicts_a_few_are_shown_and_of_none_nothing_is_told() -> None:
    told = Told()
    many = [Sample("x", unit, source=f"line {n}") for n in range(20) for unit in "AB"]

    tell_conflicts(many, np.repeat(np.arange(20), 2), told)
    tell_conflicts(SAMPLES, np.arange(5), told)

    assert len(told.lines) == 1
    assert "different units: 20, such as" in told.lines[0]
    assert told.lines[0].count("line ") == 6
