"""The report: counts of what is where."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from db import Database, report
from db.models import Classification, Ticket
from tests.support.answers import add_version, answer_next, claim, correct, kill_next
from tests.support.make import add_tickets, add_units, let_wait, utc_now
from tests.support.returns import return_ticket

EMPTY: dict[str, dict[str, int]] = {"queued": {}, "routed": {}, "review": {}, "dead": {}}


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def overview(database: Database) -> report.Overview:
    with database.reading() as session:
        return report.overview(session)


def test_an_empty_record_counts_nothing(database: Database) -> None:
    assert overview(database) == report.Overview(EMPTY, None, 0, 0, 0, {})


def test_tickets_are_counted_by_status_and_lane(database: Database) -> None:
    add_tickets(database, 6)
    with database.writing() as session:
        report_ids = list(session.scalars(select(Ticket.id).order_by(Ticket.id)))
        session.execute(update(Ticket).where(Ticket.id == report_ids[-1]).values(lane="live"))
    answer_next(database, "A")  # the live one first
    corrected = answer_next(database, "A", "doubtful")
    answer_next(database, "B", "doubtful")
    kill_next(database)
    claim(database, 1)
    correct(database, corrected, "C")

    view = overview(database)

    assert view.by_status == {
        "queued": {"bulk": 2},
        "routed": {"live": 1, "bulk": 1},
        "review": {"bulk": 1},
        "dead": {"bulk": 1},
    }
    assert (view.claimed, view.classified_last_minute, view.corrections) == (1, 3, 1)


def test_a_unit_s_return_is_no_decision(database: Database) -> None:
    [ticket] = add_tickets(database, 1)
    answer_next(database, "A")
    with database.writing() as session:
        assert return_ticket(session, ticket, 0, actor="unit")

    assert overview(database).corrections == 0


def test_tickets_in_review_are_counted_by_the_reason_of_their_newest_answer(
    database: Database,
) -> None:
    add_version(database, "w")
    add_tickets(database, 5)
    for reason in ("doubtful", "no_unit", "no_unit", None):
        answer_next(database, "A", reason)
    corrected = answer_next(database, "A", "doubtful")
    correct(database, corrected, "B")

    assert list(overview(database).review_by_reason.items()) == [("no_unit", 2), ("doubtful", 1)]

    # When another version answers the first one anew
    with database.writing() as session:
        first = session.scalars(select(Ticket.id).order_by(Ticket.id)).first()
        session.execute(update(Ticket).where(Ticket.id == first).values(status="queued"))
    answer_next(database, "B", "unlearned", "w")

    assert overview(database).review_by_reason == {"no_unit": 2, "unlearned": 1}


def test_only_answers_of_the_last_minute_count_for_the_rate(database: Database) -> None:
    add_tickets(database, 2)
    old = answer_next(database, "A")
    answer_next(database, "A")
    with database.writing() as session:
        session.execute(
            update(Classification)
            .where(Classification.ticket_id == old)
            .values(classified_at=utc_now() - timedelta(seconds=61))
        )

    assert overview(database).classified_last_minute == 1


def test_the_oldest_queued_ticket_is_the_longest_waiting_one(database: Database) -> None:
    add_tickets(database, 1)
    let_wait(database, 60)
    answer_next(database, "A")  # the oldest of all, but no longer queued
    add_tickets(database, 2)

    oldest = overview(database).oldest_queued_s

    assert oldest is not None
    assert 0 <= oldest < 50


def test_closed_tickets_are_found_among_more_ids_than_a_statement_takes(
    database: Database,
) -> None:
    add_tickets(database, 3)
    routed = answer_next(database, "A")
    dead = kill_next(database)

    with database.reading() as session:
        found = report.closed_among(session, [*range(1_000_000, 1_035_000), routed, dead])

    assert found == {routed: "routed", dead: "dead"}


def test_dead_tickets_are_listed_oldest_first_and_found_by_external_id(
    database: Database,
) -> None:
    add_tickets(database, 3)
    first, second = kill_next(database), kill_next(database)

    with database.reading() as session:
        assert [t.id for t in report.dead_tickets(session, limit=9)] == [first, second]
        assert [t.id for t in report.dead_tickets(session, limit=1)] == [first]
        assert report.dead_ids(session, "file", ["t2", "t3"]) == [second]
        assert report.dead_ids(session, "12345", ["t2"]) == []
