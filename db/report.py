"""The report: how many tickets are where, which are dead, and which are no longer queued."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    case,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from db import clock
from db.export import newest_answer
from db.models import (
    CLAIMABLE,
    CLAIMED,
    CLOSED,
    Classification,
    Correction,
    Status,
    Ticket,
)
from db.provenance import Asked

_RATE_WINDOW_S = 60
_NO_AGE: ColumnElement[float | None] = literal_column("NULL")
# SQLite takes 32,766 parameters a statement, PostgreSQL's protocol 65,535.
_IDS_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of all tickets.

    Attributes:
        by_status: tickets by status and lane.
        oldest_queued_s: for how long the longest waiting ticket is queued; None if none is.
        claimed: queued tickets a worker has in hand.
        classified_last_minute: answers of the last 60 s.
        corrections: all decisions of people; a unit's return is none.
        review_by_reason: tickets in review by why the newest answer was held back; ``returned``
            where units returned them and no model answered again.
    """

    by_status: dict[str, dict[str, int]]
    oldest_queued_s: float | None
    claimed: int
    classified_last_minute: int
    corrections: int
    review_by_reason: dict[str, int]


def overview(session: Session) -> Overview:
    """Count the tickets by status and lane, and what happened in the last minute."""
    by_status: dict[str, dict[str, int]] = {status.value: {} for status in Status}
    claimed, ages = 0, list[float]()
    for status, in_hand, lane, count, age in session.execute(_counts()):
        lanes = by_status[status]
        lanes[lane] = lanes.get(lane, 0) + count
        claimed += in_hand
        if age is not None:
            ages.append(age)
    rate = select(func.count()).where(Classification.classified_at >= clock.ago(_RATE_WINDOW_S))
    decisions = select(func.count()).where(Correction.to_unit.is_not(None))
    return Overview(
        by_status=by_status,
        oldest_queued_s=max(ages, default=None),
        claimed=claimed,
        classified_last_minute=session.scalar(rate) or 0,
        corrections=session.scalar(decisions) or 0,
        review_by_reason={why: number for why, number in session.execute(_reasons()) if why},
    )


def _reasons() -> Select[Any]:
    """Return the query for (reason, tickets in review), the most frequent first."""
    number = func.count()
    returned: ColumnElement[str] = literal_column(f"'{Asked.RETURNED}'")
    has_answer = Classification.id.is_not(None)
    why = case((has_answer, Classification.held_back), else_=returned).label("why")
    return (
        select(why, number)
        .select_from(Ticket)
        .outerjoin(
            Classification,
            and_(Classification.ticket_id == Ticket.id, Classification.id == newest_answer()),
        )
        .where(CLOSED, Ticket.status == Status.REVIEW)
        .group_by(why)
        .order_by(number.desc(), why)
    )


def _counts() -> CompoundSelect[Any]:
    """Return the query for (status, of these claimed, lane, tickets, age of the oldest queued).

    It is one statement, so a ticket that changes its status meanwhile is counted once. Each part
    reads an index.
    """
    number = func.count()
    none: ColumnElement[int] = literal_column("0")
    queued: ColumnElement[str] = literal_column("'queued'")
    oldest = clock.age(func.min(Ticket.queued_at))
    waiting = select(queued, none, Ticket.lane, number, oldest).where(CLAIMABLE)
    claimed = select(queued, number, Ticket.lane, number, oldest).where(CLAIMED)
    closed = select(Ticket.status, none, Ticket.lane, number, _NO_AGE).where(CLOSED)
    return union_all(
        waiting.group_by(Ticket.lane),
        claimed.group_by(Ticket.lane),
        closed.group_by(Ticket.status, Ticket.lane),
    )


def dead_tickets(session: Session, *, limit: int) -> list[Ticket]:
    """Return dead tickets, oldest first, without those that were erased."""
    dead = and_(CLOSED, Ticket.status == Status.DEAD, Ticket.erased_at.is_(None))
    return list(session.scalars(select(Ticket).where(dead).order_by(Ticket.id).limit(limit)))


def closed_among(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return those of ``ids`` that are no longer queued, with their status."""
    closed: dict[int, str] = {}
    for start in range(0, len(ids), _IDS_CHUNK):
        # As an expression: for the plain column PostgreSQL might read the index of all closed ones.
        query = select(Ticket.id, Ticket.status).where(
            Ticket.id.in_(ids[start : start + _IDS_CHUNK]), Ticket.status.concat("") != "queued"
        )
        closed.update(session.execute(query).all())
    return closed


def dead_ids(session: Session, source: str, external_ids: Sequence[str]) -> list[int]:
    """Return the ids of the dead tickets among those of a source."""
    query = select(Ticket.id).where(
        Ticket.source == source,
        Ticket.external_id.in_(external_ids),
        Ticket.status == Status.DEAD,
    )
    return list(session.scalars(query))
