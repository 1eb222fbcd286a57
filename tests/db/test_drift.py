"""Drift: the champion's newest answers against its first, and an event when a measure crosses."""

from typing import Any

import pytest
from sqlalchemy import select

from db import Database, calibrations, versions
from db.drift import CROSSED, ENDED, Drift, read_drift, record_crossings
from db.figures import FIRST, REFERENCE, TRAINING
from db.models import Event
from db.taxonomy import UnitRecord
from tests.support.answers import add_version, answer_all, correct
from tests.support.make import UNITS, add_more_tickets, add_units
from tests.support.units import load

WINDOW = 60
SURE, UNSURE = ("A", 0.95, None), ("A", 0.4, "no_unit")


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v", "w")


def promote(database: Database, name: str) -> None:
    with database.writing() as session:
        versions.promote(session, name, actor="test")


def answer(
    database: Database, count: int, what: tuple[str, float, str | None] = SURE, version: str = "v"
) -> list[int]:
    add_more_tickets(database, count)
    return answer_all(database, [what] * count, version)


def drift(database: Database) -> Drift:
    with database.reading() as session:
        return read_drift(session, WINDOW)


def learned(database: Database, units: dict[str, int], confidence: float = 0.95) -> None:
    """Let the version have figures of its training, of 400 held-out tickets."""
    facts = {"units": units, "confidence": [confidence, 0.0, 400], "no_unit": [4, 400]}
    with database.writing() as session:
        versions.get_version(session, "v").metrics = {REFERENCE: facts}


def crossed(found: Drift) -> list[str]:
    return [one.measure for one in found.moved if one.is_crossed]


def record(database: Database) -> list[str]:
    """Look and record; return what crossed."""
    found = drift(database)
    with database.writing() as session:
        return [one.measure for one in record_crossings(session, found)]


def recorded(database: Database) -> list[tuple[str, Any]]:
    with database.reading() as session:
        query = select(Event).where(Event.kind.in_((CROSSED, ENDED))).order_by(Event.id)
        return [(event.kind, event.data["measure"]) for event in session.scalars(query)]


def test_without_champion_or_enough_answers_nothing_is_compared(database: Database) -> None:
    assert drift(database) == Drift(None, 0, 2 * WINDOW)

    promote(database, "v")
    answer(database, 2 * WINDOW - 1)

    assert drift(database) == Drift("v", 2 * WINDOW - 1, 2 * WINDOW)


def test_the_first_answers_of_the_champion_are_compared_with_the_newest(
    database: Database,
) -> None:
    # Given answers before it was champion, and of a later champion: neither is its own
    answer(database, WINDOW, UNSURE)
    promote(database, "v")
    answer(database, WINDOW)
    answer(database, WINDOW, UNSURE)  # in between: neither first nor newest
    answer(database, WINDOW)
    answer(database, WINDOW, UNSURE, version="w")

    found = drift(database)

    assert (found.version, crossed(found)) == ("v", [])

    answer(database, WINDOW, UNSURE)
    assert crossed(drift(database)) == ["confidence", "no_unit"]


def test_what_people_took_away_from_its_unit_raises_the_override_rate(database: Database) -> None:
    promote(database, "v")
    answer(database, WINDOW)
    for ticket in answer(database, WINDOW)[:20]:
        correct(database, ticket, "B")

    [rate] = [one for one in drift(database).moved if one.measure == "override rate"]

    assert (rate.reference, rate.recent, rate.is_crossed) == (0, 20 / WINDOW, True)


def test_sorting_the_tickets_of_a_unit_that_was_split_raises_no_override_rate(
    database: Database,
) -> None:
    promote(database, "v")
    load(database, UnitRecord("D", "丁局"))
    answer(database, WINDOW)
    newest = answer(database, WINDOW)
    load(database, UnitRecord("A", UNITS["A"], status="retired", split_into=("B", "D")))
    for ticket in newest[:20]:
        correct(database, ticket, "D")

    [rate] = [one for one in drift(database).moved if one.measure == "override rate"]

    assert (rate.recent, rate.is_crossed) == (0, False)


def test_what_the_champion_learned_stands_for_its_first_answers(database: Database) -> None:
    promote(database, "v")
    learned(database, {"A": 400})
    answer(database, WINDOW)

    assert crossed(drift(database)) == []
    assert {(one.measure, one.against) for one in drift(database).moved} == {
        ("unit mix", TRAINING),
        ("confidence", TRAINING),
        ("no_unit", TRAINING),
    }

    learned(database, {"A": 100, "B": 300})
    assert record(database) == ["unit mix"]
    with database.reading() as session:
        assert (
            session.scalars(select(Event.data).where(Event.kind == CROSSED)).one()["against"]
            == TRAINING
        )


def test_overrides_are_compared_with_the_first_answers_alone(database: Database) -> None:
    promote(database, "v")
    learned(database, {"A": 400}, confidence=0.5)
    answer(database, 2 * WINDOW)

    against = {one.measure: one.against for one in drift(database).moved}

    assert against == {
        "unit mix": TRAINING,
        "confidence": TRAINING,
        "no_unit": TRAINING,
        "override rate": FIRST,
    }


def test_a_recalibrated_version_is_compared_with_its_answers_since(database: Database) -> None:
    promote(database, "v")
    learned(database, {"B": 400})
    answer(database, WINDOW)
    assert crossed(drift(database)) == ["unit mix"]

    with database.writing() as session:
        calibrations.put(session, "v", {}, {}, actor="test")
    answer(database, 2 * WINDOW)

    assert crossed(drift(database)) == []
    assert {one.against for one in drift(database).moved} == {FIRST}


def test_a_crossing_is_recorded_once_and_so_is_its_end(database: Database) -> None:
    promote(database, "v")
    answer(database, WINDOW)
    answer(database, WINDOW, ("B", 0.95, None))

    assert record(database) == ["unit mix"]
    assert record(database) == []
    assert recorded(database) == [(CROSSED, "unit mix")]

    answer(database, WINDOW)
    assert record(database) == []
    answer(database, WINDOW, ("B", 0.95, None))
    assert record(database) == ["unit mix"]
    assert recorded(database) == [
        (CROSSED, "unit mix"),
        (ENDED, "unit mix"),
        (CROSSED, "unit mix"),
    ]


def test_what_crossed_with_one_champion_may_cross_with_the_next(database: Database) -> None:
    for version in ("v", "w"):
        promote(database, version)
        answer(database, WINDOW, version=version)
        answer(database, WINDOW, ("B", 0.95, None), version)
        assert record(database) == ["unit mix"]


def test_units_that_were_merged_or_split_do_not_change_the_mix_by_themselves(
    database: Database,
) -> None:
    promote(database, "v")
    answer(database, WINDOW // 2)
    answer(database, WINDOW // 2, ("B", 0.95, None))
    load(
        database,
        UnitRecord("D", "丁局"),
        UnitRecord("E", "戊局"),
        UnitRecord("A", UNITS["A"], status="retired", split_into=("D", "E")),
        UnitRecord("B", UNITS["B"], status="merged", merged_into="C"),
    )

    answer(database, WINDOW // 4, ("D", 0.95, None))
    answer(database, WINDOW // 4, ("E", 0.95, None))
    answer(database, WINDOW // 2, ("C", 0.95, None))
    assert crossed(drift(database)) == []

    answer(database, WINDOW, ("C", 0.95, None))
    assert crossed(drift(database)) == ["unit mix"]


def test_a_recalibrated_champion_is_compared_with_itself_since_then(database: Database) -> None:
    promote(database, "v")
    answer(database, WINDOW)
    answer(database, WINDOW, UNSURE)
    assert crossed(drift(database)) == ["confidence", "no_unit"]

    with database.writing() as session:
        calibrations.put(session, "v", {}, {}, actor="test")
    answer(database, WINDOW, UNSURE)
    assert drift(database) == Drift("v", WINDOW, 2 * WINDOW)

    answer(database, WINDOW, UNSURE)
    assert crossed(drift(database)) == []
