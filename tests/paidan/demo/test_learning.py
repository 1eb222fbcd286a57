"""What the demo's person does with the doubtful tickets."""

from sqlalchemy import select

from db import Database
from db.models import Ticket
from paidan.demo.learning import correct_doubtful
from paidan.demo.pushing import SOURCE
from tests.support.answers import add_version, answer_next
from tests.support.make import add_tickets, add_units


def test_the_doubtful_are_decided_by_their_true_unit_and_the_others_left(
    database: Database,
) -> None:
    add_units(database)
    add_version(database, "v")
    add_tickets(database, 3, source=SOURCE)
    answer_next(database, "A")
    answer_next(database, "A", held_back="doubtful")

    decided = correct_doubtful(database, {"t1": "C", "t2": "B", "t3": "C"})

    assert decided == 1
    with database.reading() as session:
        found = session.execute(select(Ticket.status, Ticket.unit_code).order_by(Ticket.id)).all()
    assert [tuple(row) for row in found] == [("routed", "A"), ("routed", "B"), ("queued", None)]
