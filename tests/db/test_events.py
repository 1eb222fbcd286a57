"""The audit trail: a row for each ticket named, one where none is meant, none for none."""

from sqlalchemy import select

from db import Database, events
from db.models import Event
from tests.support.make import add_tickets


def recorded(database: Database) -> list[tuple[str, int | None, str | None, dict[str, object]]]:
    with database.reading() as session:
        rows = session.scalars(select(Event).order_by(Event.id))
        return [(row.kind, row.ticket_id, row.actor, row.data) for row in rows]


def test_an_event_of_tickets_has_a_row_for_each(database: Database) -> None:
    first, second = add_tickets(database, 2)

    with database.writing() as session:
        events.record(session, "ticket.dead", tickets=[first, second], reason="boom")

    assert recorded(database) == [
        ("ticket.dead", first, None, {"reason": "boom"}),
        ("ticket.dead", second, None, {"reason": "boom"}),
    ]


def test_an_event_that_is_of_no_ticket_has_one_row(database: Database) -> None:
    with database.writing() as session:
        events.record(session, "units.imported", actor="li", added=3, changed=0)

    assert recorded(database) == [("units.imported", None, "li", {"added": 3, "changed": 0})]


def test_nothing_is_recorded_of_no_ticket_among_those_named(database: Database) -> None:
    with database.writing() as session:
        events.record(session, "ticket.dead", tickets=[], reason="boom")

    assert recorded(database) == []
