"""Rows are weighed by who labelled them and by their unit's size."""

from dataclasses import replace

import pytest

from tests.support.snapshots import HALF, decided, row
from training.snapshot.weights import weigh


def test_a_decision_of_a_confirmed_list_counts_for_less() -> None:
    rows = weigh([row(1), decided(2), decided(3, asked="bulk")], HALF)

    assert [one.weight for one in rows] == [1.0, 1.0, 0.3]


def test_the_root_balance_gives_units_the_weight_of_their_sizes_roots() -> None:
    rows = [row(n, "A") for n in range(100)] + [row(n, "B") for n in range(100, 104)]

    weighed = weigh(rows, replace(HALF, balance="root"))

    of_unit = {unit: sum(one.weight for one in weighed if one.unit == unit) for unit in "AB"}
    assert of_unit["A"] / of_unit["B"] == pytest.approx(5)  # roots of 100 and 4
    assert sum(of_unit.values()) == pytest.approx(104)


def test_a_cap_keeps_so_many_of_each_unit_and_first_what_people_looked_at() -> None:
    rows = [row(n, "A") for n in range(20)] + [decided(30, "A"), row(31, "B")]
    capped = replace(HALF, unit_cap=5)

    kept = weigh(rows, capped)

    assert [one.unit for one in kept] == ["A"] * 5 + ["B"]
    assert "ticket 30" in [one.place for one in kept]
    assert kept == weigh(rows, capped)
