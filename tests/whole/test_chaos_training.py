"""What the sieges of ``tests/whole/chaos_training`` measure; short ones: ``test_training_runs``."""

from datetime import UTC, datetime, timedelta

import pytest

from db import Database, tickets
from db.models import Ticket
from tests.support.answers import add_version, answer_next
from tests.support.make import add_units, new_ticket
from tests.whole.chaos_training.producer import SOURCE
from tests.whole.chaos_training.strikes import (
    CHILD,
    DATABASE,
    PARENT,
    REDIS,
    Outage,
    Strike,
    count_hits,
    uncovered,
)
from tests.whole.chaos_training.ticket_check import check_tickets

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("outages", "waited"),
    [
        ([], 10),
        ([(2, 5)], 7),
        ([(-3, 1), (9, 20)], 8),
        ([(4, 8), (2, 6)], 4),  # overlapping ones count once
        ([(1, 9), (3, 4)], 2),
        ([(-5, 15)], 0),
        ([(12, 15)], 10),
    ],
)
def test_a_ticket_waited_for_the_time_that_no_outage_covers(
    outages: list[tuple[float, float]], waited: float
) -> None:
    given = [Outage(at(began), at(ended)) for began, ended in outages]

    assert uncovered(at(0), at(10), given) == waited


def test_a_run_is_hit_by_kills_of_its_process_and_of_its_trainer_alone() -> None:
    strikes = [Strike(what, 7, None) for what in (CHILD, PARENT, REDIS, DATABASE)]

    assert count_hits([*strikes, Strike(CHILD, 8, 3)]) == {7: 2, 8: 1}


def push(database: Database, *numbers: int) -> None:
    with database.writing() as session:
        tickets.insert(
            session, [new_ticket(external_id=str(one), source=SOURCE) for one in numbers]
        )


def test_tickets_without_a_row_or_an_answer_are_lost(database: Database) -> None:
    # Given an answered ticket, one that waits, one that is no row, and one that nobody pushed
    add_units(database)
    add_version(database, "v")
    push(database, 0)
    answer_next(database, "A")
    push(database, 1, 9)

    verdict = check_tickets(database, 3, [])

    assert verdict.lost == ["1 (queued)", "9 (queued)", "2"]
    assert verdict.doubled == []
    assert verdict.longest_wait >= 0
    assert "nobody pushed 9" in verdict.problems


def test_a_ticket_with_two_answers_in_its_round_is_doubled(database: Database) -> None:
    # Given two tickets, one of which a second version has answered, too
    add_units(database)
    add_version(database, "v", "w")
    push(database, 0, 1)
    first = answer_next(database, "A")
    answer_next(database, "A")
    with database.writing() as session:
        ticket = session.get_one(Ticket, first)
        ticket.status, ticket.unit_code = "queued", None
    answer_next(database, "B", version="w")

    verdict = check_tickets(database, 2, [])

    assert (verdict.lost, verdict.doubled) == ([], ["0"])
    assert verdict.problems == ["1 tickets are doubled: 0"]
