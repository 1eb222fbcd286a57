"""What became of the demo's tickets is read from the record."""

import pytest
from sqlalchemy import update

from db import Database
from db.models import Classification
from paidan.demo.outcome import Outcome, answered_by, read_outcome
from tests.support.answers import add_version, answer_next, kill_next
from tests.support.make import add_tickets, add_units


@pytest.fixture(autouse=True)
def _answered(database: Database) -> None:
    """Of five tickets two are routed, one is in review, one is dead, one not answered."""
    add_units(database)
    add_version(database, "v")
    add_tickets(database, 5)
    answer_next(database, "A")
    answer_next(database, "A")
    answer_next(database, "B", held_back="doubtful")
    kill_next(database)


def test_tickets_are_counted_by_what_became_of_them(database: Database) -> None:
    truth = {"t1": "A", "t2": "B", "t3": "B", "t4": "A", "t5": "A"}

    with database.reading() as session:
        outcome = read_outcome(session, truth, "file")

    assert outcome == Outcome(
        routed=2,
        review=1,
        dead=1,
        lost=1,
        accuracy=0.6667,
        coverage=0.6667,
        routed_error=0.5,
        no_unit=0,
    )


def test_tickets_of_no_unit_are_counted_and_nothing_routed_has_no_error(
    database: Database,
) -> None:
    with database.writing() as session:
        session.execute(update(Classification).values(held_back="no_unit"))

    with database.reading() as session:
        outcome = read_outcome(session, dict.fromkeys(("t1", "t2", "t3", "t4", "t5"), "A"), "file")

    assert (outcome.no_unit, outcome.coverage, outcome.routed_error) == (3, 0.0, None)


def test_answers_are_counted_by_version_within_a_source(database: Database) -> None:
    with database.reading() as session:
        assert answered_by(session, "file") == {"v": 3}
        assert answered_by(session, "elsewhere") == {}
