"""What returns leave in the record: who refused a ticket and why, and each unit's rate."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from db import Database
from db.export import export_rows
from db.models import Correction, Ticket
from db.return_tables import ReturnReason
from db.returned import Received, read_received, refused_units, return_reasons
from db.returns import return_ticket
from tests.support.answers import add_version, answer_all, correct, erase, whole_record
from tests.support.make import UNITS, add_tickets, add_units, utc_now


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def give_back(database: Database, ticket: int, unit: str, reason: str = "不归我管") -> None:
    with database.writing() as session:
        row = session.get_one(Ticket, ticket)
        assert return_ticket(session, row, unit, reason, actor="li").status is not None


def test_units_that_returned_a_ticket_are_known(database: Database) -> None:
    first, second, third = add_tickets(database, 3)
    with database.writing() as session:
        for ticket, from_unit, how in (
            (first, "A", "return"),
            (first, "B", "return"),
            (second, "A", "correct"),
            (second, None, "return"),
            (third, "C", "return"),
        ):
            session.add(
                Correction(
                    ticket_id=ticket, round=0, from_unit=from_unit, to_unit=None, actor="x", how=how
                )
            )

    with database.reading() as session:
        assert refused_units(session, [first, second]) == {first: {"A", "B"}}


def test_reasons_are_told_with_the_units_and_exported(database: Database) -> None:
    returned, kept = add_tickets(database, 2)
    answer_all(database, [("A", 0.9, None), ("A", 0.9, None)])
    give_back(database, returned, "A", "在乙局辖区")
    answer_all(database, [("B", 0.9, None)])
    give_back(database, returned, "B", "是丙局的事")

    with database.reading() as session:
        reasons = return_reasons(session, [returned, kept])
    assert reasons == {returned: [("A", "在乙局辖区"), ("B", "是丙局的事")]}

    back, other = export_rows(database)
    assert back["returned_by"] == [UNITS["A"], UNITS["B"]]
    assert back["return_reasons"] == ["在乙局辖区", "是丙局的事"]
    assert (back["status"], back["round"], back["held_back"]) == ("review", 2, None)
    assert (other["returned_by"], other["return_reasons"]) == (None, None)


def test_an_erased_ticket_keeps_who_returned_it_and_loses_why(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_all(database, [("A", 0.9, None)])
    give_back(database, ticket, "A", "张三住在乙局辖区")

    erase(database)

    assert "张三" not in whole_record(database)
    with database.reading() as session:
        assert session.scalar(select(ReturnReason.reason)) is None
        assert return_reasons(session, [ticket]) == {ticket: [("A", "")]}
        assert refused_units(session, [ticket]) == {ticket: {"A"}}


def test_a_units_rate_counts_what_it_was_sent_and_what_it_gave_back(database: Database) -> None:
    ids = add_tickets(database, 5)
    answer_all(database, [("A", 0.9, None)] * 3 + [("B", 0.3, "doubtful")] * 2)
    give_back(database, ids[0], "A")
    correct(database, ids[3], "A")
    before = utc_now() - timedelta(hours=1)

    with database.reading() as session:
        found = read_received(session, before, before + timedelta(hours=2))
        earlier = read_received(session, before - timedelta(hours=1), before)

    assert found == {"A": Received(sent=4, returned=1)}
    assert earlier == {}
