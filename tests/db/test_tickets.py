"""New tickets: one row a source and external id, whoever brings it and however often."""

from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy import select

from db import Database, tickets
from db.models import Ticket
from db.tickets import Inserted, NewTicket
from tests.support.answers import erase
from tests.support.make import new_ticket, utc_now


def insert(database: Database, *new: NewTicket) -> Inserted:
    with database.writing() as session:
        return tickets.insert(session, new)


def stored(database: Database) -> dict[tuple[str, str], Ticket]:
    with database.reading() as session:
        return {(row.source, row.external_id): row for row in session.scalars(select(Ticket))}


def test_ids_come_by_lane_in_the_order_given(database: Database) -> None:
    lanes = ["bulk", "live", "bulk"]

    done = insert(database, *(new_ticket(n, lane=lane) for n, lane in enumerate(lanes)))

    rows = stored(database)
    ids = [rows["file", f"t{n}"].id for n in range(3)]
    assert done == Inserted({"bulk": [ids[0], ids[2]], "live": [ids[1]]}, 0, [], [], ids)


def test_a_known_ticket_is_counted_and_another_text_under_its_id_is_a_conflict(
    database: Database,
) -> None:
    [known] = insert(database, new_ticket(1)).all_ids
    other = new_ticket(1, text="别的")

    done = insert(database, new_ticket(1), other, new_ticket(1, source="crm"), new_ticket(2))

    assert (done.known, done.conflicts, done.erased) == (1, [other], [])
    assert len(done.all_ids) == 3
    assert known in done.all_ids
    assert stored(database)["file", "t1"].text == "路灯坏了 1"


def test_of_a_chunk_that_names_a_ticket_twice_the_first_is_taken(database: Database) -> None:
    other = new_ticket(1, text="别的")

    done = insert(database, new_ticket(1), new_ticket(1), other)

    assert (len(done.all_ids), done.known, done.conflicts) == (1, 1, [other])


def test_a_ticket_that_was_erased_does_not_come_back(database: Database) -> None:
    insert(database, new_ticket(1))
    erase(database)

    done = insert(database, new_ticket(1))

    assert (done.ids, done.known, done.erased) == ({}, 0, [new_ticket(1)])
    assert stored(database)["file", "t1"].text == ""


def test_nothing_inserted_is_nothing_done(database: Database) -> None:
    assert insert(database) == Inserted({}, 0, [], [], [])


def test_what_is_given_is_stored_and_the_rest_is_made(database: Database) -> None:
    shanghai = timezone(timedelta(hours=8))
    due = datetime(2026, 3, 2, 9, 30, tzinfo=shanghai)
    given = {"title": "题", "priority": 1, "district": "市南区", "meta": {"n": 1.5}, "due_at": due}

    insert(database, new_ticket(1, unit="城管", **given))

    row = stored(database)["file", "t1"]
    assert {name: getattr(row, name) for name in given} == given
    assert row.due_at is not None
    assert row.due_at.tzinfo == UTC
    assert (row.given_unit, row.status, row.attempts, row.round) == ("城管", "queued", 0, 0)
    assert row.estimated_tokens > 4
    assert abs(row.queued_at - utc_now()) < timedelta(seconds=60)
