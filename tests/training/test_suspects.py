"""The list of suspects finds planted wrong labels, and drops nothing."""

import os
from pathlib import Path

import pytest

from bench.linear_sets import synthetic
from bench.samples import read_part
from bench.suspects import measure, plant
from core.errors import InputError
from tests.support.told import Told
from training.samples import Sample
from training.suspects import LEAST_TICKETS, MOST_CHARACTERS, find_suspects, quick_suspects

DATA = Path(os.environ.get("TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")


def of_ten_units() -> list[Sample]:
    common = sorted({one.unit for one in synthetic(70, 0).train})[:10]
    return [one for one in synthetic(4000, 0).train if one.unit in common][:500]


def test_planted_labels_stand_first_and_every_ticket_stands_once() -> None:
    planted, rows = plant(of_ten_units(), 0.05, seed=1)

    found = find_suspects(planted)

    asked = [int(one.sample.source) for one in found]
    assert len(set(asked)) == len(asked)
    assert set(range(500)) - set(asked) == only_of_their_unit(planted)
    assert len(rows & set(asked[:50])) >= 0.8 * len(rows)
    assert all(one.sample in planted for one in found)
    confidences = [one.confidence for one in found]
    assert confidences == sorted(confidences)
    assert all(one.suggested != one.sample.unit for one in found)


def only_of_their_unit(samples: list[Sample]) -> set[int]:
    units = [sample.unit for sample in samples]
    return {row for row, unit in enumerate(units) if units.count(unit) == 1}


def test_the_right_unit_is_suggested() -> None:
    samples = [Sample(f"路灯不亮 黑漆漆 {n * 7919}", "城管局", source=f"{n}") for n in range(20)]
    samples += [Sample(f"自来水浑浊 有味道 {n * 6007}", "水务局") for n in range(20)]
    samples[3] = Sample(samples[3].text, "水务局", source="wrong")

    first = find_suspects(samples)[0]

    assert (first.sample.source, first.suggested, first.confident) == ("wrong", "城管局", True)
    assert first.margin < 0 < first.confidence < 0.5


def test_a_quick_look_finds_planted_labels_too() -> None:
    planted, rows = plant(of_ten_units(), 0.05, seed=1)
    told = Told()

    found = quick_suspects(planted, told)

    assert found is not None
    assert told.lines == []
    assert len(rows & {int(one.sample.source) for one in found[:50]}) >= 0.8 * len(rows)


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ([Sample("路灯", "A")] * (LEAST_TICKETS - 1), "too few to say"),
        ([Sample("路" * MOST_CHARACTERS, "A"), *[Sample("灯", "B")] * 300], "more than a minute"),
        ([Sample("路灯", "A")] * 400, "of one unit"),
        ([Sample("路灯", "AB"[n % 2]) for n in range(400)], "near-duplicate"),
        ([Sample(chr(0x4E00 + n), "AB"[n % 2]) for n in range(400)], "too short"),
    ],
    ids=["few", "many", "one unit", "one text", "no words"],
)
def test_where_a_quick_look_is_worth_nothing_it_says_why(samples: list[Sample], why: str) -> None:
    told = Told()

    assert quick_suspects(samples, told) is None

    [line] = told.lines
    assert line.startswith("labels that look wrong are not looked for: ")
    assert why in line


def test_texts_from_which_nothing_can_be_learned_are_refused() -> None:
    with pytest.raises(InputError, match="texts"):
        find_suspects([Sample("", "A"), Sample("", "B")])


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="there are no real tickets")
def test_planted_labels_are_found_among_real_tickets() -> None:
    figures = measure(read_part(DATA / "banking77", "train")[::3], 0.05, seed=0)

    assert figures["list"][1] >= 0.8
