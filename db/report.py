"""What is where: counts for ``paidan status`` and progress, rows for ``paidan export``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    and_,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from db import clock
from db.models import (
    CLAIMABLE,
    CLAIMED,
    CLOSED,
    Classification,
    Correction,
    Status,
    Ticket,
    Unit,
)

_RATE_WINDOW_S = 60
_NO_AGE: ColumnElement[float | None] = literal_column("NULL")
_EXPORT_CHUNK = 1000

EXPORT_COLUMNS = (
    "source",
    "external_id",
    "title",
    "text",
    "status",
    "predicted_unit",
    "confidence",
    "top_k",
    "held_back",
    "degraded",
    "final_unit",
    "given_unit",
    "model",
    "lane",
    "round",
    "received_at",
    "submitted_at",
    "classified_at",
    "decided_at",
    "dead_reason",
)
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
        corrections: all decisions of people.
    """

    by_status: dict[str, dict[str, int]]
    oldest_queued_s: float | None
    claimed: int
    classified_last_minute: int
    corrections: int


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
    return Overview(
        by_status=by_status,
        oldest_queued_s=max(ages, default=None),
        claimed=claimed,
        classified_last_minute=session.scalar(rate) or 0,
        corrections=session.scalar(select(func.count()).select_from(Correction)) or 0,
    )


def _counts() -> CompoundSelect[Any]:
    """Return the query for (status, of these claimed, lane, tickets, age of the oldest queued).

    One statement, so that a ticket on its way is counted once; each part reads an index.
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
    """Return dead tickets, oldest first."""
    query = select(Ticket).where(CLOSED, Ticket.status == Status.DEAD).order_by(Ticket.id)
    return list(session.scalars(query.limit(limit)))


def export_rows(session: Session) -> Iterator[dict[str, Any]]:
    """Yield one row a ticket, by id: what came in, what the model said, what was decided.

    ``predicted_unit``, ``confidence``, ``top_k`` and ``model`` are of the newest answer in the
    ticket's present round; ``final_unit`` is empty until the ticket is routed. Units are names.
    """
    newest = (
        select(Classification.id)
        .where(Classification.ticket_id == Ticket.id, Classification.round == Ticket.round)
        .order_by(Classification.classified_at.desc(), Classification.id.desc())
        .limit(1)
        .correlate(Ticket)
        .scalar_subquery()
    )
    predicted, final = aliased(Unit), aliased(Unit)
    query = (
        select(Ticket, Classification, predicted.name, final.name)
        .outerjoin(
            Classification,
            and_(Classification.ticket_id == Ticket.id, Classification.id == newest),
        )
        .outerjoin(predicted, predicted.code == Classification.unit_code)
        .outerjoin(final, final.code == Ticket.unit_code)
        .order_by(Ticket.id)
    )
    names = dict(session.execute(select(Unit.code, Unit.name)).all())
    last = 0
    while True:  # by key, so a long export neither holds a cursor nor all rows
        rows = session.execute(query.where(Ticket.id > last).limit(_EXPORT_CHUNK)).all()
        for ticket, answer, predicted_name, final_name in rows:
            yield _export_row(ticket, answer, predicted_name, final_name, names)
        if len(rows) < _EXPORT_CHUNK:
            return
        last = rows[-1][0].id
        session.expunge_all()


def _export_row(
    ticket: Ticket,
    answer: Classification | None,
    predicted: str | None,
    final: str | None,
    names: dict[str, str],
) -> dict[str, Any]:
    return {
        "source": ticket.source,
        "external_id": ticket.external_id,
        "title": ticket.title,
        "text": ticket.text,
        "status": ticket.status,
        "predicted_unit": predicted,
        "confidence": round(answer.probability, 6) if answer else None,
        "top_k": [[names.get(code, code), p] for code, p in answer.top_k] if answer else None,
        "held_back": answer.held_back if answer else None,
        "degraded": answer.degraded if answer else None,
        "final_unit": final,
        "given_unit": ticket.given_unit,
        "model": answer.model_version if answer else None,
        "lane": ticket.lane,
        "round": ticket.round,
        "received_at": _iso(ticket.received_at),
        "submitted_at": _iso(ticket.submitted_at),
        "classified_at": _iso(answer.classified_at) if answer else None,
        "decided_at": _iso(ticket.decided_at),
        "dead_reason": ticket.dead_reason,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="milliseconds") if time else None


def closed_among(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return those of ``ids`` that are no longer queued, with their status."""
    closed: dict[int, str] = {}
    for start in range(0, len(ids), _IDS_CHUNK):
        # Not the plain column: PostgreSQL might read all closed tickets by their index instead.
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
