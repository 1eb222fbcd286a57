"""Many processes claim, classify and die at once: each ticket ends with exactly one answer."""

import multiprocessing
from collections import Counter
from multiprocessing.synchronize import Barrier

from sqlalchemy import func, select

from db import Database, claims, results
from db.batch import Budget
from db.models import Classification, ModelVersion, Status, Ticket
from db.results import Result
from tests.support.make import add_tickets, add_units

WORKERS = 4
TICKETS = 400


def classify_all(url: str, name: str, start: Barrier) -> None:
    database = Database(url)
    start.wait()
    while True:
        with database.writing() as session:
            claim = claims.claim(
                session,
                token=claims.new_token(),
                worker=name,
                own_ids=[],
                lane="bulk",
                budget=Budget(tokens=10_000, tickets=16),
                seconds=60,
            )
        if not claim.tickets:
            return
        answers = [Result(t.id, t.round, "A", 0.9, [("A", 0.9)], None) for t in claim.tickets]
        with database.writing() as session:
            results.store(session, claim.token, answers, version="v")


def test_concurrent_workers_share_the_tickets_without_overlap(database: Database) -> None:
    add_units(database)
    add_tickets(database, TICKETS)
    with database.writing() as session:
        session.add(ModelVersion(name="v", kind="constant", manifest_sha256="0" * 64))
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(WORKERS)
    url = database.url.render_as_string(hide_password=False)

    processes = [
        context.Process(target=classify_all, args=(url, f"w{n}", start)) for n in range(WORKERS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0] * WORKERS
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Classification)) == TICKETS
        # One attempt each: nobody took a ticket that another one had.
        assert Counter(session.execute(select(Ticket.status, Ticket.attempts))) == {
            (Status.ROUTED, 1): TICKETS
        }
