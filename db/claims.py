"""Claims: who works on which tickets, and what becomes of them when a process dies.

A claim is one short transaction. It counts the attempt and is committed before inference, so a
ticket that kills its process is counted each time. Results count only under the claim's token
(``db.results``). On PostgreSQL ``FOR UPDATE SKIP LOCKED`` lets many workers claim side by side. On
SQLite ``BEGIN IMMEDIATE`` makes claims take turns.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, select, update
from sqlalchemy.orm import Session

from db import clock, events
from db.batch import ORDER, Batch, Budget, locked
from db.models import CLAIMABLE, CLAIMED, CLOSED, SOLO, Status, Ticket

_EXPIRED_AT_ONCE = 500
_FREE: dict[str, None] = {"claim_token": None, "claimed_by": None, "claimed_until": None}


@dataclass(frozen=True, slots=True)
class ClaimedTicket:
    """What a worker needs of a ticket."""

    id: int
    title: str | None
    text: str
    round: int
    estimated_tokens: int
    lane: str


@dataclass(slots=True)
class Claim:
    """Tickets taken under one token."""

    token: str
    tickets: list[ClaimedTicket]

    @property
    def ids(self) -> list[int]:
        """The claimed tickets' ids."""
        return [ticket.id for ticket in self.tickets]


def new_token() -> str:
    """Return a claim's token.

    The worker makes it before it claims: if the commit's answer is lost, it still knows the token.
    """
    return uuid.uuid4().hex


def claim(
    session: Session,
    *,
    token: str,
    worker: str,
    own_ids: Collection[int],
    lane: str,
    budget: Budget,
    seconds: float,
) -> Claim:
    """Claim a batch: live tickets first, then ``own_ids``, then ``lane`` in its order.

    Each of the three is ordered by priority, due time and age. Solo tickets are left to
    ``claim_solo``. A ticket over the whole budget is taken by itself.

    Args:
        session: a writing session; the caller commits it.
        token: from ``new_token``.
        worker: the stable name under which ``free_of_worker`` finds the claim again.
        own_ids: the ids of the message at work.
        lane: ``live`` or ``bulk``.
        budget: what the engine takes at once.
        seconds: until the claim expires.
    """
    batch = Batch(budget)
    together = and_(CLAIMABLE, Ticket.solo.is_(False))
    conditions = [together & (Ticket.lane == "live")]
    if own_ids:
        conditions.append(together & Ticket.id.in_(own_ids))
    if lane != "live":
        conditions.append(together & (Ticket.lane == lane))
    for condition in conditions:
        if not batch.full:
            batch.take(session, condition)
    batch.set_large_apart(session)
    return _mark(session, token, batch.ids, worker, seconds)


def claim_solo(session: Session, *, token: str, worker: str, seconds: float) -> Claim:
    """Claim one solo ticket: live ones first, then the one with the fewest attempts.

    Most solo tickets were only beside a poisonous one, or died in a power cut. They are done before
    the poisonous one, which has more attempts by then, gets its next try.
    """
    solo = select(Ticket.id).where(SOLO).order_by(Ticket.attempts, Ticket.id).limit(1)
    for lane in ("live", "bulk"):
        ids = list(session.scalars(locked(solo.where(Ticket.lane == lane))))
        if ids:
            return _mark(session, token, ids, worker, seconds)
    return Claim(token, [])


def has_solo(session: Session) -> bool:
    """Whether ``claim_solo`` would find a ticket."""
    return session.scalar(select(Ticket.id).where(SOLO).order_by(Ticket.lane).limit(1)) is not None


def any_waits(session: Session) -> bool:
    """Whether a worker could claim a ticket."""
    return session.scalar(select(Ticket.id).where(CLAIMABLE).limit(1)) is not None


def live_under_way(session: Session) -> bool:
    """Whether a live ticket waits for a worker or is at one."""
    waits = select(Ticket.id).where(CLAIMABLE, Ticket.lane == "live").limit(1)
    at_work = select(Ticket.id).where(CLAIMED, Ticket.lane == "live").limit(1)
    return any(session.scalar(one) is not None for one in (waits, at_work))


def still_queued(session: Session, ids: Collection[int]) -> list[int]:
    """Return those of ``ids`` that wait unclaimed."""
    query = select(Ticket.id).where(Ticket.id.in_(ids), CLAIMABLE).order_by(Ticket.id)
    return list(session.scalars(query))


def hand_back(session: Session, *tokens: str) -> None:
    """Free the tickets of claims and give their attempt back: they did not end it."""
    session.execute(
        update(Ticket)
        .where(CLAIMED, Ticket.claim_token.in_(tokens))
        .values(attempts=Ticket.attempts - 1, **_FREE)
    )


def fail_attempt(
    session: Session, token: str, ids: Collection[int], *, reason: str, max_attempts: int
) -> list[int]:
    """End claimed tickets' attempt as failed; return those that are dead now."""
    mine = and_(Ticket.id.in_(ids), Ticket.claim_token == token)
    return _end_attempt(session, mine, reason=reason, max_attempts=max_attempts)[1]


def free_of_worker(session: Session, worker: str, *, max_attempts: int) -> tuple[int, list[int]]:
    """End the attempts that a dead worker left; return how many, and the tickets now dead.

    The caller makes sure that no process of that name lives (``core.process.RoleLock``).
    """
    left = and_(CLAIMED, Ticket.claimed_by == worker)
    reason = "the worker process died while it was classified"
    return _end_attempt(session, left, reason=reason, max_attempts=max_attempts)


def free_expired(session: Session, *, max_attempts: int) -> tuple[int, list[int]]:
    """End the attempts whose claim has expired; return how many, and the tickets now dead."""
    expired = (
        select(Ticket.id)
        .where(CLAIMED, Ticket.claimed_until < clock.ago(0))
        # In the index' order and limited: PostgreSQL would otherwise read the whole table, until
        # it has counted how few rows are claimed.
        .order_by(Ticket.claim_token)
        .limit(_EXPIRED_AT_ONCE)
    )
    # A locked row is being answered at this moment, or freed by another relay.
    free = Ticket.id.in_(locked(expired))
    reason = "its claim expired: the worker died or hung while it was classified"
    freed, dead = 0, list[int]()
    while True:
        some, died = _end_attempt(session, free, reason=reason, max_attempts=max_attempts)
        freed += some
        dead += died
        if some < _EXPIRED_AT_ONCE:
            return freed, dead


def requeue_dead(session: Session, ids: Collection[int] | None, *, actor: str) -> list[int]:
    """Give dead tickets (all of them for None) new attempts; return their ids.

    They stay solo: whatever killed their process may do it again.
    """
    condition = and_(CLOSED, Ticket.status == Status.DEAD, Ticket.erased_at.is_(None))
    if ids is not None:
        condition &= Ticket.id.in_(ids)
    again = {"status": Status.QUEUED, "attempts": 0, "solo": True, "dead_reason": None}
    requeue = update(Ticket).where(condition).values(**again, queued_at=clock.now())
    rows = session.execute(requeue.returning(Ticket.id)).all()
    events.record(session, "ticket.requeued", tickets=[row.id for row in rows], actor=actor)
    return [row.id for row in rows]


def waiting(session: Session, lane: str, *, seconds: float, limit: int) -> Sequence[int]:
    """Return ids that wait unclaimed in a lane for so many seconds, in the claim's order.

    If none do, return those that were queued more than so many seconds in the future: the
    database's clock was set back since.
    """
    # Two queries: each condition alone is a range, which the index answers without the rows.
    for waits in (
        Ticket.queued_at < clock.ago(seconds),
        Ticket.queued_at > clock.ago(-seconds),
    ):
        query = select(Ticket.id).where(CLAIMABLE, Ticket.lane == lane, waits)
        ids = session.scalars(query.order_by(Ticket.solo, *ORDER).limit(limit)).all()
        if ids:
            return ids
    return []


def _mark(session: Session, token: str, ids: list[int], worker: str, seconds: float) -> Claim:
    """Write the claim on the rows, count the attempt, and return the tickets in the given order."""
    if not ids:
        return Claim(token, [])
    rows = session.execute(
        update(Ticket)
        .where(Ticket.id.in_(ids))
        .values(
            claim_token=token,
            claimed_by=worker,
            claimed_until=clock.after(seconds),
            attempts=Ticket.attempts + 1,
        )
        .returning(
            Ticket.id,
            Ticket.title,
            Ticket.text,
            Ticket.round,
            Ticket.estimated_tokens,
            Ticket.lane,
        )
    )
    by_id = {row.id: ClaimedTicket(*row) for row in rows}
    return Claim(token, [by_id[i] for i in ids])


def _end_attempt(
    session: Session, condition: ColumnElement[bool], *, reason: str, max_attempts: int
) -> tuple[int, list[int]]:
    """Free tickets with their attempt counted: solo from now on, or dead after the last one."""
    last = Ticket.attempts >= max_attempts
    rows = session.execute(
        update(Ticket)
        .where(condition, Ticket.status == Status.QUEUED)
        .values(
            status=case((last, Status.DEAD.value), else_=Status.QUEUED.value),
            dead_reason=case((last, f"{max_attempts} attempts: {reason}"), else_=None),
            solo=True,
            queued_at=clock.now(),
            **_FREE,
        )
        .returning(Ticket.id, Ticket.status)
    ).all()
    dead = [row.id for row in rows if row.status == Status.DEAD]
    events.record(session, "ticket.dead", tickets=dead, reason=reason)
    return len(rows), dead
