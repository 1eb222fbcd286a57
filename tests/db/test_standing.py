"""Answers with units that are gone: merged ones stand for their successors, others ask people."""

from typing import Any

import pytest

from db import Database
from db.models import Ticket
from db.results import Result
from db.returns import return_ticket
from db.standing import stand_now
from db.taxonomy import UnitRecord
from tests.support.answers import add_version, answer_all
from tests.support.make import UNITS, add_tickets, add_units
from tests.support.units import load


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    load(database, UnitRecord("D", "丁局"))


def result(*top_k: tuple[str, float], **values: Any) -> Result:
    (unit, probability), *_ = top_k
    sets = [(0.9, [unit]), (0.95, [code for code, _ in top_k])]
    given = {"ticket_id": 1, "round": 0, "held_back": None, "sets": sets} | values
    return Result(unit=unit, probability=probability, top_k=list(top_k), **given)


def stand(database: Database, *results: Result) -> list[Result]:
    with database.reading() as session:
        return stand_now(session, results)


def change(database: Database, code: str, **values: Any) -> None:
    load(database, UnitRecord(code, UNITS[code], **values))


def test_answers_with_active_units_stay_as_they_are(database: Database) -> None:
    change(database, "C", status="retired")
    answer = result(("A", 0.7), ("B", 0.3))

    assert stand(database, answer) == [answer]
    assert stand(database, answer)[0] is answer


def test_a_merged_unit_stands_for_its_successor_with_both_shares(database: Database) -> None:
    change(database, "A", status="merged", merged_into="B")

    [found] = stand(database, result(("A", 0.5), ("C", 0.3), ("B", 0.2)))

    assert (found.unit, found.probability, found.held_back) == ("B", 0.7, None)
    assert found.top_k == [("B", 0.7), ("C", 0.3)]
    assert found.sets == [(0.9, ["B"]), (0.95, ["B", "C"])]


def test_a_split_unit_is_held_back_with_its_parts_told(database: Database) -> None:
    change(database, "A", status="retired", split_into=("C", "D"))

    sure, other = stand(
        database, result(("A", 0.8), ("B", 0.2)), result(("B", 0.6), ("A", 0.4), ticket_id=2)
    )

    assert (sure.unit, sure.probability, sure.held_back) == ("C", 0.4, "gone")
    assert sure.top_k == [("C", 0.4), ("D", 0.4), ("B", 0.2)]
    assert sure.sets == [(0.9, ["C", "D"]), (0.95, ["C", "D", "B"])]
    assert (other.unit, other.probability, other.held_back) == ("B", 0.6, None)
    assert other.top_k == [("B", 0.6), ("C", 0.2), ("D", 0.2)]


def test_the_part_that_a_model_finds_likelier_is_named(database: Database) -> None:
    change(database, "A", status="retired", split_into=("C", "D"))

    [found] = stand(database, result(("A", 0.4), ("B", 0.35), ("D", 0.25)))

    # B alone has more than C, and yet the model would have answered A, whose parts these are.
    assert (found.unit, found.held_back) == ("D", "gone")
    assert found.top_k == [("D", 0.45), ("B", 0.35), ("C", 0.2)]


def test_of_a_retired_unit_the_next_best_is_named_and_a_person_asked(database: Database) -> None:
    change(database, "A", status="retired")

    some, alone = stand(
        database, result(("A", 0.9), ("B", 0.1)), result(("A", 1.0), held_back="doubtful")
    )

    assert (some.unit, some.probability, some.held_back) == ("B", 0.1, "gone")
    assert some.sets == [(0.9, ["B"]), (0.95, ["B"])]
    assert (alone.unit, alone.probability, alone.held_back) == ("B", 0.0, "gone")
    assert (alone.top_k, alone.sets[0]) == ([("B", 0.0)], (0.9, ["B"]))


def test_a_part_that_returned_the_ticket_is_no_part_for_it(database: Database) -> None:
    add_version(database, "v")
    [ticket] = add_tickets(database, 1)
    answer_all(database, [("C", 0.9, None)])
    with database.writing() as session:
        return_ticket(session, session.get_one(Ticket, ticket), "C", "不归我管", actor="li")
    change(database, "A", status="retired", split_into=("C", "D"))

    [found] = stand(database, result(("A", 0.8), ("B", 0.2), ticket_id=ticket, round=1))

    assert (found.unit, found.held_back) == ("D", "gone")
    assert found.top_k == [("D", 0.8), ("B", 0.2)]


def test_parts_that_became_one_again_are_answered_without_a_person(database: Database) -> None:
    change(database, "A", status="retired", split_into=("C", "D"))
    load(database, UnitRecord("D", "丁局", status="merged", merged_into="C"))

    [found] = stand(database, result(("A", 0.8), ("B", 0.2)))

    assert (found.unit, found.probability, found.held_back) == ("C", 0.8, None)


def test_where_no_unit_is_active_an_answer_stays(database: Database) -> None:
    for code in UNITS:
        change(database, code, status="retired")
    load(database, UnitRecord("D", "丁局", status="retired"))
    answer = result(("A", 0.8), ("B", 0.2))

    assert stand(database, answer) == [answer]
