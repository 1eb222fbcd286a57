"""The tables of draws: a ticket is drawn once a draw."""

import pytest

from core.errors import RecordRefusedError
from db import Database
from db.draw_tables import DrawnTicket
from tests.support.draws import ended_run, put_draw, register_pair
from tests.support.make import add_tickets, add_units


def test_a_second_row_of_draw_and_ticket_is_refused(database: Database) -> None:
    add_units(database)
    register_pair(database)
    [ticket] = add_tickets(database, 1)
    draw = put_draw(database, ended_run(database, "w"), [ticket])
    other = put_draw(database, ended_run(database, "w"), [ticket])
    assert other != draw

    with (
        pytest.raises(RecordRefusedError, match="refuses a statement"),
        database.writing() as session,
    ):
        session.add(DrawnTicket(draw_id=draw, ticket_id=ticket))
