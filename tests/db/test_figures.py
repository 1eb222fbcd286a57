"""Figures of answers move beyond chance where something changed, and not where nothing did."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from db.figures import Answered, Figures, Hits, Moved, compare

UNITS = [f"u{number}" for number in range(70)]


def window(
    rng: random.Random,
    n: int = 1_000,
    *,
    units: Sequence[str] = UNITS,
    confidence: float = 0.9,
    no_unit: float = 0.02,
    overridden: float = 0.01,
) -> Figures:
    return Figures.of(
        Answered(
            unit=rng.choice(units),
            probability=min(1.0, max(0.0, rng.gauss(confidence, 0.1))),
            held_back="no_unit" if rng.random() < no_unit else None,
            overrides=int(rng.random() < overridden),
        )
        for _ in range(n)
    )


def crossed(moved: Sequence[Moved]) -> list[str]:
    return [one.measure for one in moved if one.is_crossed]


def test_answers_are_counted() -> None:
    answers = [
        Answered("A", 0.9, None, 0),
        Answered("A", 0.8, None, 2),
        Answered("B", 0.3, "no_unit", 0),
        Answered("B", 0.4, "doubtful", 1),  # nobody acted on it
    ]

    found = Figures.of(answers)

    assert found.confidence is not None
    assert found.confidence == pytest.approx((0.6, 0.065, 4))
    assert found == Figures({"A": 2, "B": 2}, found.confidence, Hits(1, 4), Hits(1, 2))
    assert found.tickets == 4


def test_windows_of_one_stream_cross_no_threshold() -> None:
    rng = random.Random(17)

    found = Counter(
        (one.measure, one.is_crossed)
        for n in (30, 300, 1_000)
        for _ in range(100)
        for one in compare(window(rng, n), window(rng, n))
    )

    assert sum(number for (_, over), number in found.items() if over) <= 3
    assert len({measure for measure, _ in found}) == 4


def test_each_change_for_the_worse_crosses_its_threshold_alone() -> None:
    rng = random.Random(3)
    before = window(rng)

    assert crossed(compare(before, window(rng, units=[*UNITS, *["new"] * 25]))) == ["unit mix"]
    assert crossed(compare(before, window(rng, confidence=0.8))) == ["confidence"]
    assert crossed(compare(before, window(rng, no_unit=0.12))) == ["no_unit"]
    assert crossed(compare(before, window(rng, overridden=0.06))) == ["override rate"]


def test_what_gets_better_crosses_nothing() -> None:
    rng = random.Random(5)
    worse = window(rng, confidence=0.6, no_unit=0.2, overridden=0.2)

    assert crossed(compare(worse, window(rng))) == []


def test_what_a_reference_has_no_figure_of_is_not_compared() -> None:
    recent = window(random.Random(1))

    assert [one.measure for one in compare(Figures({"u1": 500}), recent)] == ["unit mix"]
    assert compare(Figures({}), recent) == []


def test_a_rare_hit_in_a_small_window_is_chance() -> None:
    before, now = (Figures({"A": 20}, overridden=Hits(hits, 20)) for hits in (0, 1))

    assert crossed(compare(before, now)) == []
