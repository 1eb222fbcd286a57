"""One clock, the database's: it stamps, it compares, and no process' own comes in."""

import ast
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, text, update

from db import Database, claims, clock
from db.batch import Budget
from db.models import Ticket
from tests.support.make import add_tickets, claim_batch, utc_now
from tests.support.processes import wait_until
from tests.support.shifted import shifted

AHEAD = 3600.0


def test_a_dead_workers_claim_ends_when_it_should_whatever_its_clock_said(
    database: Database,
) -> None:
    add_tickets(database, 2)
    with shifted(AHEAD):
        claim_batch(database, seconds=-1)

    with database.writing() as session:
        assert claims.free_expired(session, max_attempts=3) == (2, [])


def test_limits_and_ages_are_counted_from_now(database: Database) -> None:
    add_tickets(database, 1)
    with database.writing() as session:
        session.execute(update(Ticket).values(queued_at=utc_now() - timedelta(seconds=60)))

    with database.reading() as session:
        age = session.scalars(select(clock.age(Ticket.queued_at))).one()
        older = [
            session.scalar(select(Ticket.queued_at < clock.ago(seconds)))
            for seconds in (-30, 0, 30, 3600)
        ]

    assert 59 < age < 90
    assert older == [True, True, True, False]


def test_a_stamp_moves_on_inside_a_transaction_so_a_wait_shortens_no_claim(
    database: Database,
) -> None:
    add_tickets(database, 1)
    with database.writing() as session:
        began = session.scalars(select(clock.now())).one()
        wait_until(
            lambda: session.scalars(select(clock.now())).one() > began + timedelta(seconds=0.05),
            20,
            "the stamps of a transaction are those of its statements",
        )
        token = claims.new_token()
        claims.claim(
            session,
            token=token,
            worker="w",
            own_ids=[],
            lane="bulk",
            budget=Budget(1_000, 1),
            seconds=60,
        )
        until = session.scalars(select(Ticket.claimed_until)).one()

    assert until is not None
    assert until > began + timedelta(seconds=60.05)


def test_the_databases_stamps_compare_with_those_a_process_stores(database: Database) -> None:
    # Given a row stamped by the database, and the times around it by this process
    before = utc_now() - timedelta(milliseconds=1)  # SQLite counts in these
    [only] = add_tickets(database, 1)
    after = utc_now() + timedelta(milliseconds=1)

    # Then they compare in SQL, on SQLite as text of one form
    with database.writing() as session:
        between = Ticket.queued_at.between(before, after)
        assert session.scalars(select(Ticket.id).where(between)).all() == [only]
        written = session.execute(text("SELECT CAST(queued_at AS TEXT) FROM tickets")).scalar()
        session.execute(update(Ticket).values(queued_at=before))
        bound = session.execute(text("SELECT CAST(queued_at AS TEXT) FROM tickets")).scalar()
    if database.engine.dialect.name == "sqlite":
        assert len(str(written)) == len(str(bound)) == len("2026-01-01 00:00:00.000000")


def test_nothing_that_writes_the_record_asks_its_process_for_the_date() -> None:
    root = Path(__file__).parents[2]
    asked = [
        f"{path.relative_to(root)}:{node.lineno}"
        for room in ("db", "producer", "worker")
        for path in sorted((root / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node)
        in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")
    ]

    assert asked == []
