"""Builders for tests: tickets, units and versions with as little said as possible."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from bench import records
from core.broker import queue_name
from core.publisher import Publisher
from db import Database, claims, tickets
from db.batch import Budget
from db.claims import Claim
from db.models import Ticket
from db.tickets import NewTicket
from producer.files.rows import Row
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Reject
from producer.tickets.reader import read_tickets

PLENTY = Budget(tokens=1_000_000, tickets=256)
UNITS = {"A": "甲局", "B": "乙局", "C": "丙局"}


def new_ticket(number: int = 1, **values: Any) -> NewTicket:
    """A ticket ``t<number>``."""
    return NewTicket(**{"external_id": f"t{number}", "text": f"路灯坏了 {number}", **values})


def add_tickets(database: Database, count: int, **values: Any) -> list[int]:
    """Insert ``count`` tickets and return their ids."""
    with database.writing() as session:
        inserted = tickets.insert(session, [new_ticket(n, **values) for n in range(1, count + 1)])
    return inserted.all_ids


def add_more_tickets(database: Database, count: int) -> list[int]:
    """Insert ``count`` tickets beside those there are; return their ids."""
    with database.writing() as session:
        there = session.scalar(select(func.count()).select_from(Ticket)) or 0
        new = [new_ticket(there + number) for number in range(1, count + 1)]
        return tickets.insert(session, new).all_ids


def add_units(database: Database, units: dict[str, str] = UNITS) -> None:
    """Import active units."""
    records.add_units(database, units, actor="test")


def promote_constant(
    database: Database, models_dir: Path, answers: Sequence[str] = ("A", "A", "A", "B")
) -> str:
    """Train and promote a constant model (it answers the most frequent of ``answers``)."""
    units = UNITS | {unit: unit for unit in answers if unit not in UNITS}
    return records.promote_constant(database, models_dir, units, answers, actor="test")


def read_records(*rows: dict[str, Any], **options: Any) -> list[NewTicket | Reject]:
    """Read rows as a file's, from line 2 on."""
    numbered = [Row(number, values) for number, values in enumerate(rows, 2)]
    return [ticket for _, ticket in read_tickets(numbered, ReadOptions(**options))]


def ticket_of(row: dict[str, Any], **options: Any) -> NewTicket:
    """Read one row that must be a ticket."""
    [ticket] = read_records(row, **options)
    assert isinstance(ticket, NewTicket), ticket
    return ticket


def rejected(row: dict[str, Any], **options: Any) -> Reject:
    """Read one row that must be refused, and be kept as it came in for the rejects file."""
    [refused] = read_records(row, **options)
    assert isinstance(refused, Reject), refused
    assert refused.row == row
    return refused


def messages(publisher: Publisher, lane: str) -> list[list[int]]:
    """The ticket ids of each message that waits in a lane, oldest first."""
    waiting: Any = publisher.redis.lrange(queue_name(lane), 0, -1)
    bodies = [json.loads(base64.b64decode(json.loads(raw)["body"])) for raw in reversed(waiting)]
    return [args[0] for args, _kwargs, _embedded in bodies]


def utc_now() -> datetime:
    """The time by this process' clock; the servers of the tests have the same."""
    return datetime.now(UTC)


def let_wait(database: Database, seconds: float = 3600) -> None:
    """Make all queued tickets wait for as long already."""
    with database.writing() as session:
        since = utc_now() - timedelta(seconds=seconds)
        session.execute(update(Ticket).values(queued_at=since))


def claim_batch(
    database: Database,
    *,
    own: Sequence[int] = (),
    lane: str = "bulk",
    budget: Budget = PLENTY,
    seconds: float = 60,
) -> Claim:
    """Claim as the worker ``w``, in a transaction of its own."""
    with database.writing() as session:
        return claims.claim(
            session,
            token=claims.new_token(),
            worker="w",
            own_ids=own,
            lane=lane,
            budget=budget,
            seconds=seconds,
        )
