"""Answers, deaths and decisions without a worker: what becomes of the tickets in the queue."""

from collections.abc import Sequence

from sqlalchemy import text

from db import Database, claims, corrections, erasure, results
from db.batch import Budget
from db.models import ModelVersion, Ticket
from db.results import Result
from tests.support.make import claim_batch


def add_version(database: Database, *names: str) -> None:
    """Register model versions that can be named as having answered."""
    with database.writing() as session:
        session.add_all(
            ModelVersion(name=name, kind="constant", manifest_sha256="0" * 64) for name in names
        )


def claim(database: Database, count: int) -> claims.Claim:
    """Claim the tickets that are next in the queue."""
    return claim_batch(database, budget=Budget(tokens=100_000, tickets=count))


def answer_next(
    database: Database, unit: str, held_back: str | None = None, version: str = "v"
) -> int:
    """Answer the ticket that is next in the queue; return it."""
    held = claim(database, 1)
    [ticket] = held.tickets
    top_k = [(unit, 0.75), ("C", 0.2)]
    sets = [(0.9, [unit]), (0.95, [unit, "C"])]
    answer = Result(ticket.id, ticket.round, unit, 0.7500000001, top_k, held_back, sets)
    with database.writing() as session:
        results.store(session, held.token, [answer], version=version)
    return ticket.id


def answer_all(
    database: Database, answers: Sequence[tuple[str, float, str | None]], version: str = "v"
) -> list[int]:
    """Answer the next tickets, each with a unit, its probability and why it is held back."""
    held = claim(database, len(answers))
    pairs = zip(held.tickets, answers, strict=True)
    with database.writing() as session:
        return results.store(
            session,
            held.token,
            [Result(t.id, t.round, unit, p, [(unit, p)], why) for t, (unit, p, why) in pairs],
            version=version,
        )


def kill_next(database: Database) -> int:
    """Give up the ticket that is next in the queue; return it."""
    held = claim(database, 1)
    with database.writing() as session:
        [dead] = claims.fail_attempt(session, held.token, held.ids, reason="poison", max_attempts=1)
    return dead


def correct(database: Database, ticket: int, unit: str, actor: str = "li") -> None:
    """Let a person decide."""
    with database.writing() as session:
        corrections.decide(session, session.get_one(Ticket, ticket), unit, actor=actor)


def erase(database: Database, external_id: str = "t1", source: str = "file") -> bool:
    """Let a person erase a ticket; return whether there was anything to erase."""
    with database.writing() as session:
        ticket = corrections.find_ticket(session, source, external_id)
        assert ticket is not None
        return erasure.erase(session, ticket, actor="officer")


def whole_record(database: Database) -> str:
    """Every value of every table that may quote a ticket, as text."""
    with database.reading() as session:
        tables = ("tickets", "events", "corrections", "return_reasons", "classifications")
        return "\n".join(
            repr(row) for name in tables for row in session.execute(text(f"SELECT * FROM {name}"))
        )
