"""Columns that mean the same on both databases: times in UTC, and a time that may be absent."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import StatementError

from core.errors import RecordRefusedError
from db import Database, tickets
from db.models import Ticket
from tests.support.make import add_tickets, new_ticket

MOMENT = datetime(2026, 3, 1, 1, 30, 0, 500_000, tzinfo=UTC)


def received(database: Database, value: datetime | None) -> datetime | None:
    """What comes back of a time that is stored."""
    add_tickets(database, 1)
    with database.writing() as session:
        session.execute(update(Ticket).values(received_at=value))
    with database.reading() as session:
        return session.scalars(select(Ticket.received_at)).one()


@pytest.mark.parametrize("hours", [0, 8, -5])
def test_a_time_comes_back_in_utc_to_the_microsecond(database: Database, hours: int) -> None:
    found = received(database, MOMENT.astimezone(timezone(timedelta(hours=hours))))

    assert found == MOMENT
    assert found is not None
    assert found.tzinfo == UTC


def test_a_time_that_is_absent_stays_absent(database: Database) -> None:
    assert received(database, None) is None


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises((RecordRefusedError, StatementError, ValueError)):
        received(database, MOMENT.replace(tzinfo=None))


def test_a_ticket_without_a_deadline_comes_after_all_that_have_one(database: Database) -> None:
    late = datetime(9000, 1, 1, tzinfo=UTC)
    with database.writing() as session:
        new = [new_ticket(n, due_at=due) for n, due in enumerate((None, late, MOMENT))]
        tickets.insert(session, new)

    with database.reading() as session:
        query = select(Ticket.external_id, Ticket.due_at).order_by(Ticket.due_at)
        found = session.execute(query).all()

    assert found == [("t2", MOMENT), ("t1", late), ("t0", None)]
