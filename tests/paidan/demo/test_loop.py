"""What the demo's person and trainer do."""

from sqlalchemy import select

from db import Database
from db.models import Ticket
from paidan.demo.loop import decide_waiting
from tests.support.answers import add_version, answer_next
from tests.support.make import add_tickets, add_units


def test_what_waits_is_decided_by_its_true_unit_and_the_others_are_left(
    database: Database,
) -> None:
    add_units(database)
    add_version(database, "v")
    add_tickets(database, 3, source="s")
    answer_next(database, "A")
    answer_next(database, "A", held_back="doubtful")

    decided = decide_waiting(database, {"t1": "C", "t2": "B", "t3": "C"}, "s")

    assert decided == 1
    assert decide_waiting(database, {}, "another") == 0
    with database.reading() as session:
        found = session.execute(select(Ticket.status, Ticket.unit_code).order_by(Ticket.id)).all()
    assert [tuple(row) for row in found] == [("routed", "A"), ("routed", "B"), ("queued", None)]
