"""Pairs of confused units are counted for both versions."""

from tests.support.answered import answered
from training.contrast.confusion import Confusion, confusions, most_changed, most_of

FIRST = answered("A B 0.9", "A B 0.9", "A B 0.9", "B B 0.9", "C - 0.1")
SECOND = answered("A B 0.9", "A A 0.9", "A A 0.9", "B A 0.9", "C - 0.1")


def test_each_pair_has_both_versions_numbers() -> None:
    assert confusions(FIRST, SECOND) == [
        Confusion("A", "B", 3, 1),
        Confusion("B", "A", 0, 1),
        Confusion("C", "", 1, 1),
    ]


def test_the_pairs_most_often_confused_and_most_changed_come_first() -> None:
    pairs = confusions(FIRST, SECOND)

    assert [(p.unit, p.answer) for p in most_of(pairs, 0, 5)] == [("A", "B"), ("C", "")]
    assert [(p.unit, p.answer) for p in most_of(pairs, 1, 2)] == [("A", "B"), ("B", "A")]
    assert [(p.unit, p.change) for p in most_changed(pairs, 5)] == [("A", -2), ("B", 1)]
