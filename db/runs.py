"""Training runs: who is at work on which, and what becomes of one when a process dies.

A run is leased as tickets are claimed (``db.claims``): under a random token and for some seconds,
which heartbeats prolong. Whatever a trainer writes counts only under its token. A lease that has
expired is taken over, and the run goes on from its last checkpoint.

Each time a run's process dies, or its lease expires, it has one more death. A checkpoint sets its
deaths to 0, so a run that gets on may be interrupted however often. A run that dies three times at
the same place has failed.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, null, select, text, update
from sqlalchemy.orm import Session

from db import clock, events
from db.batch import locked
from db.models import Correction
from db.run_tables import RUNNING, Run, RunState

MAX_DEATHS = 3
HAND, DECISIONS, SCHEDULE = "hand", "decisions", "schedule"
ENDED = (RunState.DONE, RunState.REFUSED, RunState.FAILED, RunState.CANCELLED)

_FREE: dict[str, bool | None] = {
    "lease_token": None,
    "holder": None,
    "device": None,
    "lease_until": None,
    "takes_card": False,
}


@dataclass(frozen=True, slots=True)
class Lease:
    """A run in a trainer's hands.

    Parameters:
        run_id: the run's.
        token: counts as long as the lease is not taken over.
        attempt: 1 at first, one more each time the run goes on.
    """

    run_id: int
    token: str
    attempt: int


def ask(
    session: Session, kind: str, parameters: dict[str, Any], *, asked_for: str, actor: str
) -> int:
    """Ask for a run; return its id.

    Args:
        session: a writing session.
        kind: ``linear`` or ``llm``.
        parameters: what ``training.runs`` reads.
        asked_for: ``HAND``, ``DECISIONS`` or ``SCHEDULE``.
        actor: who asked, for the record.
    """
    run = Run(
        kind=kind,
        parameters=parameters,
        asked_for=asked_for,
        actor=actor,
        newest_decision=session.scalar(select(func.max(Correction.id))) or 0,
    )
    session.add(run)
    session.flush()
    return run.id


def lease(
    session: Session,
    *,
    token: str,
    holder: str,
    device: str,
    seconds: float,
    takes_card: bool = False,
) -> Lease | None:
    """Lease the oldest run that waits; None where there is none or the device has one already.

    Args:
        session: a writing session; the caller commits it.
        token: from ``db.claims.new_token``. Given again where the answer to a commit was lost with
            the connection, it leads to the run that is leased under it by then.
        holder: the trainer's stable name, by which ``free_of_holder`` finds the lease again.
        device: what it trains on; the database refuses a second run there.
        seconds: until the lease expires.
        takes_card: whether workers let go of the device meanwhile.
    """
    held = beat(session, token, seconds=seconds)
    if held is not None:
        return Lease(held.id, token, held.attempts)
    if session.scalar(select(Run.id).where(RUNNING, Run.device == device).limit(1)):
        return None
    waits = select(Run.id).where(Run.state == RunState.QUEUED).order_by(Run.id).limit(1)
    run_id = session.scalar(locked(waits))
    if run_id is None:
        return None
    attempt = session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(
            state=RunState.RUNNING,
            lease_token=token,
            holder=holder,
            device=device,
            lease_until=clock.after(seconds),
            heartbeat_at=clock.now(),
            started_at=func.coalesce(Run.started_at, clock.now()),
            attempts=Run.attempts + 1,
            takes_card=takes_card,
        )
        .returning(Run.attempts)
    ).scalar_one()
    return Lease(run_id, token, attempt)


def beat(session: Session, token: str, *, seconds: float) -> Run | None:
    """Prolong a lease; return its run as it is now, None where the lease is lost."""
    session.execute(
        update(Run)
        .where(_mine(token))
        .values(lease_until=clock.after(seconds), heartbeat_at=clock.now())
    )
    return find(session, token)


def find(session: Session, token: str, *, lock: bool = False) -> Run | None:
    """Return the run that is leased under a token, None where the lease is lost.

    Args:
        session: a session.
        token: of the lease.
        lock: let nobody cancel it until the transaction ends.
    """
    mine = select(Run).where(_mine(token))
    return session.scalar(mine.with_for_update() if lock else mine)


def note(session: Session, token: str, **values: Any) -> bool:
    """Write columns of a leased run; return whether the lease still counts."""
    done = session.execute(update(Run).where(_mine(token)).values(**values).returning(Run.id))
    return done.first() is not None


def checkpointed(session: Session, token: str, step: int, folder: str) -> bool:
    """Note a whole checkpoint: what dies from here on dies elsewhere than before."""
    return note(session, token, checkpoint_step=step, checkpoint_dir=folder, deaths=0)


def end(session: Session, token: str, state: RunState, **values: Any) -> bool:
    """End a leased run for good, as cancelled where somebody wanted that.

    Returns:
        Whether the lease still counted.
    """
    unwanted = Run.cancelled_by.is_not(None)
    ended = case((unwanted, RunState.CANCELLED.value), else_=state.value)
    return note(session, token, state=ended, ended_at=clock.now(), **_FREE, **values)


def die(session: Session, token: str, reason: str) -> None:
    """End an attempt whose process died: the run waits again, or has failed after three deaths."""
    _end_attempt(session, _mine(token), reason)


def hand_back(session: Session, token: str) -> None:
    """Have a run wait again, without a death: its trainer was told to stop."""
    unwanted = Run.cancelled_by.is_not(None)
    session.execute(
        update(Run)
        .where(_mine(token))
        .values(
            state=case((unwanted, RunState.CANCELLED.value), else_=RunState.QUEUED.value),
            ended_at=case((unwanted, clock.now()), else_=null()),
            **_FREE,
        )
    )


def free_of_holder(session: Session, holder: str) -> list[int]:
    """End the attempts that a dead trainer left; return the runs.

    The caller makes sure that no process of that name lives (``core.process.RoleLock``).
    """
    left = and_(RUNNING, Run.holder == holder)
    return _end_attempt(session, left, "the trainer died while it was at work on it")


def free_expired(session: Session) -> list[int]:
    """End the attempts whose lease has expired; return the runs."""
    expired = select(Run.id).where(RUNNING, Run.lease_until < clock.ago(0))
    reason = "its lease expired: the trainer died, or could not reach the database"
    return _end_attempt(session, Run.id.in_(locked(expired)), reason)


def cancel(session: Session, run_id: int, *, actor: str) -> str | None:
    """Cancel a run: at once where it waits, else its trainer is told with its next heartbeat.

    Returns:
        The state it was in; None where there is no such run. One that has ended, or that somebody
        has cancelled, stays as it is.
    """
    run = session.scalar(select(Run).where(Run.id == run_id).with_for_update())
    if run is None:
        return None
    before = run.state
    if run.cancelled_by is not None:
        return before
    if before == RunState.QUEUED:
        run.state, run.ended_at = RunState.CANCELLED, clock.now()
    if before in (RunState.QUEUED, RunState.RUNNING):
        run.cancelled_by = actor
        events.record(session, "run.cancelled", actor=actor, run=run_id)
    session.flush()
    return before


def newest(session: Session, *, ended_well: bool = False) -> Run | None:
    """Return the training that was asked for last, of all or of those that made a version."""
    query = select(Run).where(Run.judges.is_(None)).order_by(Run.id.desc()).limit(1)
    if ended_well:
        query = query.where(Run.state.in_((RunState.DONE, RunState.REFUSED)))
    return session.scalar(query)


def has_made(session: Session, version: str) -> bool:
    """Whether a run made a version."""
    return session.scalar(select(Run.id).where(Run.version == version).limit(1)) is not None


def is_under_way(session: Session) -> bool:
    """Whether a run waits or is at work."""
    open_ = Run.state.in_((RunState.QUEUED, RunState.RUNNING))
    return session.scalar(select(Run.id).where(open_).limit(1)) is not None


def decisions_since(session: Session, correction_id: int) -> int:
    """Return how many decisions people made after a given one; a unit's return is none."""
    query = select(func.count()).where(
        Correction.id > correction_id, Correction.to_unit.is_not(None)
    )
    return session.scalar(query) or 0


def ask_alone(session: Session) -> None:
    """Have whoever else asks for a run wait until this transaction has ended."""
    if session.get_bind().dialect.name == "postgresql":  # on SQLite whoever writes is alone
        session.execute(text("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE"))


def list_runs(session: Session, *, limit: int) -> list[Run]:
    """Return the newest runs, the newest first."""
    return list(session.scalars(select(Run).order_by(Run.id.desc()).limit(limit)))


def _mine(token: str) -> ColumnElement[bool]:
    return and_(RUNNING, Run.lease_token == token)


def _end_attempt(session: Session, condition: ColumnElement[bool], reason: str) -> list[int]:
    """Free runs with one more death: cancelled where somebody wanted it, failed after three."""
    cancelled, last = Run.cancelled_by.is_not(None), Run.deaths + 1 >= MAX_DEATHS
    told = f"it died {MAX_DEATHS} times without getting on; the last time, {reason}"
    rows = session.execute(
        update(Run)
        .where(condition)
        .values(
            state=case(
                (cancelled, RunState.CANCELLED.value),
                (last, RunState.FAILED.value),
                else_=RunState.QUEUED.value,
            ),
            deaths=Run.deaths + 1,
            ended_at=case((cancelled | last, clock.now()), else_=null()),
            error=case((last & ~cancelled, told), else_=null()),
            **_FREE,
        )
        .returning(Run.id, Run.state)
    ).all()
    for row in rows:
        events.record(session, "run.died", run=row.id, reason=reason, state=row.state)
    return [row.id for row in rows]
