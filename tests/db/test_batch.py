"""A batch: tickets in order until the budget of tokens or of tickets is used up."""

from sqlalchemy import select, true, update

from db import Database
from db.batch import Batch, Budget
from db.models import Ticket
from tests.support.make import add_tickets


def size_tickets(database: Database, *tokens: int) -> list[int]:
    """Add tickets of so many estimated tokens each."""
    ids = add_tickets(database, len(tokens))
    with database.writing() as session:
        for number, size in zip(ids, tokens, strict=True):
            session.execute(update(Ticket).where(Ticket.id == number).values(estimated_tokens=size))
    return ids


def taken(database: Database, batch: Batch) -> list[int]:
    with database.writing() as session:
        batch.take(session, true())
    return batch.ids


def test_the_first_ticket_that_does_not_fit_ends_the_batch(database: Database) -> None:
    ids = size_tickets(database, 40, 40, 40, 10)
    batch = Batch(Budget(tokens=100, tickets=10))

    assert taken(database, batch) == ids[:2]  # though the last one would fit
    assert (batch.full, batch.tokens, batch.large) == (True, 80, [])


def test_a_ticket_over_half_the_budget_that_does_not_fit_is_left_for_later(
    database: Database,
) -> None:
    ids = size_tickets(database, 50, 60, 40)
    batch = Batch(Budget(tokens=100, tickets=10))

    assert taken(database, batch) == [ids[0], ids[2]]
    assert batch.large == [ids[1]]

    with database.writing() as session:
        batch.set_large_apart(session)
        assert session.scalars(select(Ticket.id).where(Ticket.solo)).all() == [ids[1]]


def test_a_second_condition_adds_what_is_not_taken_yet(database: Database) -> None:
    ids = size_tickets(database, 1, 1, 1)
    batch = Batch(Budget(tokens=100, tickets=10))
    with database.writing() as session:
        batch.take(session, Ticket.id == ids[2])
        batch.take(session, true())

    assert batch.ids == [ids[2], ids[0], ids[1]]
    assert not batch.full


def test_no_more_tickets_are_taken_than_the_budget_has(database: Database) -> None:
    ids = size_tickets(database, 1, 1, 1)
    batch = Batch(Budget(tokens=100, tickets=2))

    assert taken(database, batch) == ids[:2]
    assert batch.full
