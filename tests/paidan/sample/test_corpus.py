"""The word lists: they name the units there are, and the common ones most often."""

from itertools import pairwise

from paidan.sample.corpus import load_corpus
from paidan.sample.generator import load_units


def test_word_lists_and_units_name_the_same_units() -> None:
    names = {unit.name for unit in load_units()}

    units = load_corpus().units

    assert {unit.name for unit in units} == names
    for unit in units:
        assert set(unit.neighbours) <= names - {unit.name}
        assert len(unit.matters) >= 6
        assert all(len(matter.phrasings) >= 3 for matter in unit.matters)


def test_shares_fall_with_the_rank_and_are_whole() -> None:
    shares = load_corpus().cumulative_shares

    steps = [shares[0], *(b - a for a, b in pairwise(shares))]
    assert all(one > next_ for one, next_ in pairwise(steps))
    assert abs(shares[-1] - 1) < 1e-9


def test_a_town_with_a_unit_of_its_own_is_told_from_its_district() -> None:
    homes = [unit.home for unit in load_corpus().units if unit.home]

    parts = [home for home in homes if home.is_part]
    assert parts
    for part in parts:
        assert part.district not in part.anchors
        [district] = [h for h in homes if h.district == part.district and not h.is_part]
        assert not set(part.towns) & set(district.towns)
