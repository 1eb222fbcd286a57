"""Returns (退单): the next round without the unit, after the second a person, and nothing twice."""

import threading
from typing import Any

import pytest
from sqlalchemy import select

from db import Database, corrections, results
from db.models import Correction, Status, Ticket
from db.results import Result
from db.returned import refused_units
from db.returns import Returned, return_ticket
from db.taxonomy import UnitRecord
from tests.support.answers import (
    add_version,
    answer_all,
    answer_next,
    claim,
    correct,
    erase,
    kill_next,
)
from tests.support.make import UNITS, add_tickets, add_units
from tests.support.units import load

BEFORE = Returned()


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def give_back(database: Database, unit: str, external_id: str = "t1") -> Returned:
    with database.writing() as session:
        ticket = corrections.find_ticket(session, "file", external_id)
        assert ticket is not None
        return return_ticket(session, ticket, unit, "不归我管", actor="li")


def row_of(database: Database, ticket: int) -> Ticket:
    with database.reading() as session:
        return session.get_one(Ticket, ticket)


def kept(database: Database) -> list[tuple[Any, ...]]:
    with database.reading() as session:
        query = select(Correction).order_by(Correction.id)
        return [(c.round, c.how, c.from_unit, c.to_unit, c.actor) for c in session.scalars(query)]


def test_a_return_opens_the_next_round_without_the_unit(database: Database) -> None:
    [ticket] = add_tickets(database, 1, lane="live")
    answer_next(database, "A")

    assert give_back(database, "甲局") == Returned(Status.QUEUED)

    row = row_of(database, ticket)
    assert (row.status, row.round, row.unit_code, row.decided_at) == ("queued", 1, None, None)
    assert (row.attempts, row.solo, row.lane) == (0, False, "live")
    assert kept(database) == [(0, "return", "A", None, "li")]
    with database.reading() as session:
        assert refused_units(session, [ticket]) == {ticket: {"A"}}
    [again] = claim(database, 1).tickets
    assert (again.id, again.round) == (ticket, 1)


def test_after_the_second_return_a_person_decides(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    give_back(database, "A")
    answer_next(database, "B")

    assert give_back(database, "B") == Returned(Status.REVIEW)

    row = row_of(database, ticket)
    assert (row.status, row.round, row.unit_code) == ("review", 2, None)
    assert claim(database, 1).tickets == []
    correct(database, ticket, "C")
    with database.reading() as session:
        asked = session.scalars(select(Correction.asked).order_by(Correction.id)).all()
    assert (row_of(database, ticket).unit_code, asked) == ("C", [None, None, "returned"])


def test_the_same_return_again_changes_nothing_wherever_the_ticket_is(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    give_back(database, "A")

    assert give_back(database, "A") == BEFORE  # waits
    held = claim(database, 1)
    assert give_back(database, "A") == BEFORE  # a worker has it
    with database.writing() as session:
        answer = Result(ticket, 1, "B", 0.9, [("B", 0.9)], None)
        assert results.store(session, held.token, [answer], version="v") == [ticket]
    assert give_back(database, "A") == BEFORE  # routed to another

    assert (row_of(database, ticket).round, len(kept(database))) == (1, 1)
    assert row_of(database, ticket).unit_code == "B"


def test_a_unit_that_gets_a_ticket_again_cannot_return_it_by_the_old_row(
    database: Database,
) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    give_back(database, "A")
    correct(database, ticket, "A", "wang")

    refused = give_back(database, "A").refused

    assert refused is not None
    assert "returned the ticket before, and it was given to that unit again" in refused
    assert row_of(database, ticket).unit_code == "A"


def test_what_is_routed_to_no_unit_or_another_one_is_refused_with_the_reason(
    database: Database,
) -> None:
    add_tickets(database, 5)
    answer_next(database, "B")
    answer_next(database, "A", "doubtful")
    kill_next(database)
    answer_next(database, "A")
    erase(database, "t4")
    claim(database, 1)

    assert [give_back(database, "A", f"t{number}").refused for number in range(1, 6)] == [
        "the ticket is routed to '乙局', not to 'A'",
        "the ticket is routed to no unit: it waits for a person",
        "the ticket is dead, and routed to no unit ('paidan dead list')",
        "the ticket was erased: there is nothing left to dispatch",
        "the ticket is routed to no unit: it waits for a worker",
    ]
    assert give_back(database, "环保局").refused == (
        "unit '环保局' is unknown ('paidan units list')"
    )
    assert kept(database) == []


def test_units_are_known_as_people_write_them_and_when_they_are_gone(database: Database) -> None:
    ids = add_tickets(database, 3)
    for unit in "ABC":
        answer_next(database, unit)
    load(
        database,
        UnitRecord("A", UNITS["A"], status="retired"),
        UnitRecord("B", UNITS["B"], status="merged", merged_into="C"),
    )

    assert give_back(database, " 甲 局", "t1").status == Status.QUEUED
    assert give_back(database, "丙局", "t2").status == Status.QUEUED  # its successor
    assert give_back(database, "c", "t3").status == Status.QUEUED
    with database.reading() as session:
        assert refused_units(session, ids) == {
            i: {unit}
            for i, unit in zip(ids, "ACC", strict=True)  # B is answered no more
        }


def test_what_a_unit_returned_before_it_was_merged_is_the_successors_to_return_once(
    database: Database,
) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    give_back(database, "A")
    answer_next(database, "B")
    load(database, UnitRecord("A", UNITS["A"], status="merged", merged_into="B"))

    assert give_back(database, "A") == BEFORE  # the old row, read again
    assert row_of(database, ticket).unit_code == "B"
    assert give_back(database, "B") == Returned(Status.REVIEW)
    assert give_back(database, "B") == BEFORE
    assert [one[:3] for one in kept(database)] == [(0, "return", "A"), (1, "return", "B")]


def test_the_successor_of_a_unit_is_not_offered_what_it_returned(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    load(database, UnitRecord("A", UNITS["A"], status="merged", merged_into="B"))

    assert give_back(database, "B") == Returned(Status.QUEUED)

    with database.reading() as session:
        assert refused_units(session, [ticket]) == {ticket: {"B"}}


def test_of_a_unit_that_was_split_one_part_returns_for_itself(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    load(database, UnitRecord("A", UNITS["A"], status="retired", split_into=("B", "C")))

    assert give_back(database, "B") == Returned(Status.QUEUED)

    with database.reading() as session:
        assert refused_units(session, [ticket]) == {ticket: {"B"}}
    answer_next(database, "C")
    assert give_back(database, "B") == BEFORE
    assert give_back(database, "C") == Returned(Status.REVIEW)


def test_an_answer_from_before_a_return_does_not_count(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    late = claim(database, 1)
    correct(database, ticket, "A")
    give_back(database, "A")

    with database.writing() as session:
        answer = Result(ticket, 0, "A", 0.9, [("A", 0.9)], None)
        assert results.store(session, late.token, [answer], version="v") == []

    row = row_of(database, ticket)
    assert (row.status, row.round, row.unit_code) == ("queued", 1, None)


@pytest.mark.parametrize("unit", ["A", "B"])
def test_of_two_returns_at_once_one_counts(database: Database, unit: str) -> None:
    ids = add_tickets(database, 8)
    answer_all(database, [("A", 0.9, None)] * 8)
    found: list[tuple[int, Returned]] = []
    ready = threading.Barrier(2)

    def give(order: list[int], by: str) -> None:
        ready.wait()
        found.extend((number, give_back(database, by, f"t{number}")) for number in order)

    numbers = list(range(1, 9))
    threads = [
        threading.Thread(target=give, args=(numbers, "A")),
        threading.Thread(target=give, args=(numbers, unit)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    queued = [number for number, done in found if done.status == Status.QUEUED]
    assert sorted(queued) == numbers
    assert len(found) == 16
    assert [row_of(database, ticket).round for ticket in ids] == [1] * 8
    assert len(kept(database)) == 8
