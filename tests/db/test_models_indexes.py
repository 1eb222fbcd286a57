"""A long backlog: which index serves each query, on both databases, with statistics and without."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text, update
from sqlalchemy.orm import Session

from bench.records import add_backlog
from db import Database, claims, corrections, report, results
from db.models import ModelVersion, Ticket
from db.results import Result
from tests.support.make import PLENTY, add_units, claim_batch

# Enough that PostgreSQL prefers an index where one serves.
ROWS = 20_000
MIDDLE = range(ROWS // 2, ROWS // 2 + 256)

KEY, WHOLE = "pk_tickets", "the whole table"
BY_SOURCE = "uq_tickets_source_external_id"
CLAIMABLE, SOLO, CLAIMED, CLOSED = (
    f"ix_tickets_{name}" for name in ("claimable", "lone", "claimed", "closed")
)


def claim(session: Session) -> claims.Claim:
    own = list(MIDDLE)
    token = claims.new_token()
    return claims.claim(
        session, token=token, worker="w", own_ids=own, lane="bulk", budget=PLENTY, seconds=60
    )


def claim_solo(session: Session) -> claims.Claim:
    return claims.claim_solo(session, token=claims.new_token(), worker="w", seconds=60)


def store(session: Session, token: str, ids: list[int]) -> None:
    answers = [Result(ticket, 0, "A", 0.9, [("A", 0.9)], None) for ticket in ids]
    results.store(session, token, answers, version="v")


# What each may read of the tickets: by its own index, or by the keys it is given.
STEPS: dict[str, tuple[Callable[[Session, claims.Claim], Any], set[str]]] = {
    "claim": (lambda s, c: claim(s), {CLAIMABLE, KEY}),
    "claim_solo": (lambda s, c: claim_solo(s), {SOLO, KEY}),
    "has_solo": (lambda s, c: claims.has_solo(s), {SOLO}),
    "still_queued": (lambda s, c: claims.still_queued(s, MIDDLE), {KEY, CLAIMABLE}),
    "waiting": (lambda s, c: claims.waiting(s, "bulk", seconds=5, limit=4096), {CLAIMABLE}),
    "store": (lambda s, c: store(s, c.token, c.ids), {CLAIMED, KEY}),
    "hand_back": (lambda s, c: claims.hand_back(s, c.token, "another"), {CLAIMED}),
    "fail": (
        lambda s, c: claims.fail_attempt(s, c.token, c.ids[:5], reason="boom", max_attempts=1),
        {CLAIMED, KEY},
    ),
    "free_of_worker": (lambda s, c: claims.free_of_worker(s, "w", max_attempts=3), {CLAIMED}),
    "free_expired": (lambda s, c: claims.free_expired(s, max_attempts=3), {CLAIMED, KEY}),
    "requeue_dead": (lambda s, c: claims.requeue_dead(s, None, actor="li"), {CLOSED}),
    "dead_tickets": (lambda s, c: report.dead_tickets(s, limit=20), {CLOSED}),
    "closed_among": (lambda s, c: report.closed_among(s, MIDDLE), {KEY}),
    "find_ticket": (lambda s, c: corrections.find_ticket(s, "backlog", "7"), {BY_SOURCE}),
}


@pytest.fixture(params=["with statistics", "without statistics"])
def backlog(request: pytest.FixtureRequest, database: Database) -> Database:
    """Many tickets that wait, and some that are claimed, alone, closed and dead."""
    add_units(database)
    add_backlog(database, ROWS)
    with database.writing() as session:
        session.add(ModelVersion(name="v", kind="constant", manifest_sha256="0" * 64))
        for first, values in {
            1: {"status": "dead"},
            11: {"status": "review"},
            101: {"solo": True},
        }.items():
            some = update(Ticket).where(Ticket.id.in_(range(first, first + 10)))
            session.execute(some.values(**values))
    if request.param == "with statistics":
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return database


@contextmanager
def plans(database: Database) -> Iterator[list[str]]:
    """Explain each statement before it runs; what is read of the tickets, and by which index."""
    read: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "tickets" not in statement or not statement.startswith(("SELECT", "UPDATE")):
            return
        cursor: Any = connection.connection.cursor()
        if database.engine.dialect.name == "postgresql":
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
            [[plan]] = cursor.fetchall()
            found = plan if isinstance(plan, list) else json.loads(plan)
            read.extend(_postgresql_reads(found[0]["Plan"]))
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            read.extend(_sqlite_reads([row[3] for row in cursor.fetchall()]))

    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        yield read
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)


def _postgresql_reads(node: dict[str, Any]) -> Iterator[str]:
    name = node.get("Index Name", "")
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "tickets":
        yield WHOLE
    elif "tickets" in name and "corrections" not in name:
        yield name
    for part in node.get("Plans", ()):
        yield from _postgresql_reads(part)


def _sqlite_reads(steps: list[str]) -> Iterator[str]:
    for step in steps:
        if not re.match(r"(SCAN|SEARCH) tickets\b", step):
            continue
        index = re.search(r"INDEX (\w+)", step)
        if index:
            yield BY_SOURCE if index[1].startswith("sqlite_autoindex") else index[1]
        else:
            yield KEY if "INTEGER PRIMARY KEY" in step else WHOLE


def test_each_query_is_served_by_its_index(backlog: Database) -> None:
    served: dict[str, set[str]] = {}
    for name, (step, _) in STEPS.items():
        held = claim_batch(backlog)
        with plans(backlog) as read, backlog.writing() as session:
            step(session, held)
            session.rollback()
        served[name] = set(read)
        with backlog.writing() as session:
            claims.hand_back(session, held.token)

    wrong = {name: read for name, read in served.items() if not read or not read <= STEPS[name][1]}
    assert wrong == {}


def test_all_expired_claims_are_freed_however_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_EXPIRED_AT_ONCE", 4)
    add_backlog(database, 10)
    expired = claim_batch(database, seconds=-1)

    with database.writing() as session:
        assert claims.free_expired(session, max_attempts=1) == (10, expired.ids)
