"""Corrections: a person's decision holds in any state, and no model overwrites it."""

import pytest
from sqlalchemy import select, update

from db import Database, claims, corrections, results
from db.batch import Budget
from db.claims import Claim
from db.corrections import Outcome
from db.models import Correction, ModelVersion, Status, Ticket
from db.results import Result
from tests.support.make import add_tickets, add_units, claim_batch


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    with database.writing() as session:
        session.add(ModelVersion(name="v", kind="constant", manifest_sha256="0" * 64))


@pytest.fixture
def ticket(database: Database) -> int:
    [only] = add_tickets(database, 1)
    return only


def decide(database: Database, unit: str, number: int = 1) -> Outcome:
    with database.writing() as session:
        found = corrections.find_ticket(session, "file", f"t{number}")
        assert found is not None
        return corrections.decide(session, found, unit, actor="li")


def answer(database: Database, held: Claim, unit: str, held_back: str | None = None) -> list[int]:
    answers = [Result(t.id, t.round, unit, 0.9, [(unit, 0.9)], held_back) for t in held.tickets]
    with database.writing() as session:
        return results.store(session, held.token, answers, version="v")


def row_of(database: Database, ticket: int) -> Ticket:
    with database.reading() as session:
        return session.get_one(Ticket, ticket)


def stored(database: Database) -> list[tuple[str | None, str | None, str, str]]:
    with database.reading() as session:
        rows = session.scalars(select(Correction).order_by(Correction.id))
        return [(row.from_unit, row.to_unit, row.how, row.actor) for row in rows]


@pytest.mark.parametrize("held_back", [None, "doubtful"], ids=["routed", "review"])
@pytest.mark.parametrize(("unit", "how"), [("A", "confirm"), ("B", "correct")])
def test_a_models_answer_is_confirmed_or_corrected(
    database: Database, ticket: int, unit: str, how: str, held_back: str | None
) -> None:
    answer(database, claim_batch(database), "A", held_back)

    assert decide(database, unit) == Outcome(ticket, "A", how)

    row = row_of(database, ticket)
    assert (row.status, row.unit_code) == (Status.ROUTED, unit)
    assert row.decided_at is not None
    assert stored(database) == [("A", unit, how, "li")]


def test_saying_again_what_was_decided_changes_nothing(database: Database, ticket: int) -> None:
    answer(database, claim_batch(database), "A")
    decide(database, "B")
    before = row_of(database, ticket).decided_at

    assert decide(database, "B") == Outcome(ticket, "B", None)

    assert stored(database) == [("A", "B", "correct", "li")]
    assert row_of(database, ticket).decided_at == before


def test_a_second_thought_is_another_correction(database: Database, ticket: int) -> None:
    answer(database, claim_batch(database), "A")

    outcomes = [decide(database, unit) for unit in ("B", "C", "B")]

    assert [outcome.how for outcome in outcomes] == ["correct"] * 3
    assert [row[:2] for row in stored(database)] == [("A", "B"), ("B", "C"), ("C", "B")]
    assert row_of(database, ticket).unit_code == "B"


def test_a_queued_ticket_is_decided_and_leaves_the_queue(database: Database, ticket: int) -> None:
    assert decide(database, "B") == Outcome(ticket, None, "correct")

    assert row_of(database, ticket).status == Status.ROUTED
    assert claim_batch(database).ids == []


def test_a_dead_ticket_is_decided_and_its_reason_goes(database: Database, ticket: int) -> None:
    with database.writing() as session:
        held = claims.claim(
            session,
            token=claims.new_token(),
            worker="w",
            own_ids=[],
            lane="bulk",
            budget=Budget(1000, 1),
            seconds=60,
        )
        dead = claims.fail_attempt(session, held.token, held.ids, reason="poison", max_attempts=1)
    assert dead == [ticket]

    assert decide(database, "B").how == "correct"

    row = row_of(database, ticket)
    assert (row.status, row.unit_code, row.dead_reason) == (Status.ROUTED, "B", None)


def test_a_late_answer_of_the_worker_that_held_the_ticket_is_refused(
    database: Database, ticket: int
) -> None:
    [other] = set(add_tickets(database, 2)) - {ticket}
    held = claim_batch(database)
    assert held.ids == [ticket, other]

    decide(database, "B")

    assert answer(database, held, "A") == [other]  # the rest of the batch is taken
    row = row_of(database, ticket)
    assert (row.status, row.unit_code, row.claim_token) == (Status.ROUTED, "B", None)


@pytest.mark.parametrize("end", ["hand_back", "fail", "free_of_worker", "free_expired"])
def test_the_end_of_a_lost_claim_does_not_queue_a_decided_ticket_again(
    database: Database, ticket: int, end: str
) -> None:
    held = claim_batch(database)
    decide(database, "B")

    with database.writing() as session:
        if end == "hand_back":
            claims.hand_back(session, held.token)
        elif end == "fail":
            claims.fail_attempt(session, held.token, held.ids, reason="x", max_attempts=1)
        elif end == "free_of_worker":
            claims.free_of_worker(session, "w", max_attempts=1)
        else:
            claims.free_expired(session, max_attempts=1)

    row = row_of(database, ticket)
    assert (row.status, row.unit_code, row.attempts) == (Status.ROUTED, "B", 1)


def test_a_decision_of_an_earlier_round_does_not_count_in_the_next(
    database: Database, ticket: int
) -> None:
    decide(database, "A")
    with database.writing() as session:  # the unit returned it
        session.execute(update(Ticket).values(round=1, unit_code=None, status="queued"))
    answer(database, claim_batch(database), "A")

    assert decide(database, "A") == Outcome(ticket, "A", "confirm")  # not: "said already"


def test_a_ticket_is_found_by_source_and_external_id(database: Database, ticket: int) -> None:
    with database.reading() as session:
        found = corrections.find_ticket(session, "file", "t1")
        assert found is not None
        assert found.id == ticket
        assert corrections.find_ticket(session, "12345", "t1") is None
        assert corrections.find_ticket(session, "file", "t2") is None
