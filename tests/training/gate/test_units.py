"""No unit fares worse: each by itself, exactly, with Holm's correction."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.judged import judged, said
from training.gate.units import LEAST_TICKETS, check_units, holm

LARGE, SMALL = "A" * LEAST_TICKETS + "B" * 500, "CCCCCDDDDDEEEEE"


def test_a_unit_whose_tickets_go_to_another_is_named_with_it() -> None:
    units = LARGE + SMALL
    finding = check_units(judged(units), said(units.replace("A", "B")), said(units))

    assert not finding.passed
    assert "unit A: of 20 distinct frozen tickets the challenger gains 0 and loses 20" in (
        finding.text
    )
    assert "20 of these to unit B" in finding.text
    assert finding.facts["worse"] == [{"unit": "A", "lost": 20, "gained": 0}]


def test_one_unit_of_seventy_is_found_by_its_twenty_tickets() -> None:
    units = "".join(chr(ord("A") + number) * LEAST_TICKETS for number in range(70))
    champion = "".join("?" if row % 10 == 3 else unit for row, unit in enumerate(units))

    finding = check_units(judged(units), said(champion.replace("A", "B")), said(champion))

    assert finding.facts["worse"] == [{"unit": "A", "lost": 18, "gained": 0}]


def test_a_gain_elsewhere_does_not_make_up_for_it() -> None:
    units = LARGE + SMALL
    champion = LARGE.replace("B", "C") + SMALL

    assert not check_units(judged(units), said(units.replace("A", "B")), said(champion)).passed


def test_small_units_are_judged_together() -> None:
    units = LARGE + SMALL
    finding = check_units(
        judged(units), said(units.replace("C", "A").replace("D", "A")), said(units)
    )

    assert "all units with fewer than 20 tickets together: of 15" in finding.text
    assert check_units(judged(units), said(units.replace("C", "A")), said(units)).passed


def test_near_duplicates_do_not_make_a_unit_large() -> None:
    tickets = [
        replace(one, group=0 if one.unit == "A" else one.group) for one in judged(LARGE + SMALL)
    ]
    finding = check_units(tickets, said((LARGE + SMALL).replace("A", "B")), said(LARGE + SMALL))

    assert finding.passed
    assert finding.facts["units"] == 2  # B and the pool


@pytest.mark.parametrize(
    ("p_values", "rejected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),  # Holm 1979, by hand
        ([0.02, 0.02], [True, True]),
        ([0.03, 0.03], [False, False]),
        ([], []),
    ],
)
def test_holms_procedure_stops_at_the_first_that_stays(
    p_values: list[float], rejected: list[bool]
) -> None:
    assert holm(p_values) == rejected


def test_equal_versions_alarm_in_no_more_than_five_of_a_hundred_sets() -> None:
    random = np.random.default_rng(7)
    units = "".join(random.choice(list("ABCDEF"), 300))
    tickets = judged(units)

    def version() -> str:
        return "".join("X" if random.random() < 0.15 else unit for unit in units)

    alarms = [not check_units(tickets, said(version()), said(version())).passed for _ in range(300)]

    assert np.mean(alarms) <= 0.05
