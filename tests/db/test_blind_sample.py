"""The blind sample: which decided tickets came before a person by chance."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from db import Database
from db.blind_sample import BlindSample, count_unseen, read_sample
from db.results import SAMPLED, is_sampled
from tests.support.answers import add_version, answer_next, correct, erase
from tests.support.make import add_tickets, add_units
from tests.support.returns import return_ticket

SHARE = 0.5
LONG_AGO, TO_COME = datetime(2020, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def read(database: Database, share: float = SHARE, since: datetime = LONG_AGO) -> BlindSample:
    with database.reading() as session:
        return read_sample(session, share, since)


def chances(database: Database, share: float = SHARE) -> dict[str, int]:
    return dict(Counter(ticket.chance for ticket in read(database, share).decided))


def answer(database: Database, ticket: int, *, is_sure: bool) -> None:
    """As a worker with the share does: a sure answer is held back where it is in the sample."""
    held = ("sample" if is_sampled(ticket, SHARE) else None) if is_sure else "doubtful"
    assert answer_next(database, "A", held) == ticket


def test_sure_and_doubtful_tickets_of_the_sample_are_told_from_those_only_doubted(
    database: Database,
) -> None:
    # Given tickets of which the model doubts each third, and people who decide all in review
    ids = add_tickets(database, 60)
    for number, ticket in enumerate(ids):
        answer(database, ticket, is_sure=number % 3 > 0)
        if number % 3 == 0 or is_sampled(ticket, SHARE):
            correct(database, ticket, "B")

    # Then the sample has both kinds, in their share of the stream
    sampled = [number % 3 > 0 for number, ticket in enumerate(ids) if is_sampled(ticket, SHARE)]
    assert chances(database) == {
        "sure": sum(sampled),
        "doubtful": len(sampled) - sum(sampled),
        "doubted": 20 - (len(sampled) - sum(sampled)),
    }
    assert 0 < sum(sampled) < len(sampled)
    assert {ticket.unit for ticket in read(database).decided} == {"B"}


def test_what_nobody_drew_is_not_of_the_sample(database: Database) -> None:
    ids = add_tickets(database, 3)
    answer_next(database, "A")  # routed: somebody comes upon it
    answer_next(database, "A", "sample")
    for ticket in ids:  # the last before a model has answered
        correct(database, ticket, "A")

    assert chances(database, share=1.0) == {"routed": 1, "sure": 1, "unanswered": 1}
    assert chances(database, share=0.0) == {"routed": 1, "wider": 1, "unanswered": 1}


def test_a_ticket_that_was_erased_is_left_out(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A", "sample")
    correct(database, ticket, "A")
    erase(database)

    assert read(database).decided == []


def test_what_of_the_sample_waits_or_was_routed_unseen_is_counted(database: Database) -> None:
    ids = add_tickets(database, 4)
    for held_back in ("sample", "doubtful", None, "doubtful"):
        answer_next(database, "A", held_back)
    correct(database, ids[-1], "A")

    found = read(database, share=1.0)
    assert (found.waiting, found.unseen) == (2, 1)
    found = read(database, share=1.0, since=TO_COME)
    assert (found.waiting, found.unseen) == (0, 0)


def test_the_latest_decision_counts_with_its_time(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A", "sample")
    correct(database, ticket, "A")
    [first] = read(database).decided
    correct(database, ticket, "B", "wang")

    [second] = read(database).decided

    assert (first.unit, second.unit) == ("A", "B")
    assert first.decided_at <= second.decided_at


def test_sure_answers_are_counted_but_for_those_that_chance_had_decided(
    database: Database,
) -> None:
    # Given tickets that were routed, drawn, doubted, and one that nobody answered yet
    ids = add_tickets(database, 6)
    for held in (None, None, SAMPLED, "doubtful", SAMPLED):
        answer_next(database, "A", held)
    # When somebody comes upon an error, and a drawn ticket is decided
    correct(database, ids[1], "B")
    correct(database, ids[4], "B")

    # Then the error that somebody noticed counts as any other: chance draws as many of these
    with database.reading() as session:
        assert count_unseen(session, ids[0], ids[-1]) == 3
        assert count_unseen(session, ids[1], ids[2]) == 2
        assert count_unseen(session, ids[3], ids[-1]) == 0


def test_what_a_unit_returned_still_counts_as_a_sure_answer(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    with database.writing() as session:
        assert return_ticket(session, ticket, 0, actor="unit")
    answer_next(database, "B", "doubtful")
    correct(database, ticket, "B")

    with database.reading() as session:
        assert count_unseen(session, ticket, ticket) == 1
