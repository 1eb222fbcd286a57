"""What the record says of all its tickets, in the order of their ids."""

from sqlalchemy import select

from db import Database
from db.models import Ticket


def statuses(database: Database) -> list[str]:
    """The status of every ticket."""
    with database.reading() as session:
        return list(session.scalars(select(Ticket.status).order_by(Ticket.id)))


def claimed(database: Database) -> list[int]:
    """The ids of the tickets that are claimed."""
    with database.reading() as session:
        query = select(Ticket.id).where(Ticket.claim_token.is_not(None))
        return list(session.scalars(query.order_by(Ticket.id)))


def attempts(database: Database) -> list[tuple[int, str | None, bool]]:
    """Attempts, claim token and whether it runs alone, of every ticket."""
    with database.reading() as session:
        query = select(Ticket.attempts, Ticket.claim_token, Ticket.solo).order_by(Ticket.id)
        return [tuple(row) for row in session.execute(query)]
