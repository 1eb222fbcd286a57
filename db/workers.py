"""Workers' heartbeats: health is progress, not an answered ping."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db import clock
from db.models import Worker
from db.upsert import insert_for


def started(session: Session, *, name: str, pid: int, device: str) -> None:
    """Enter a worker as started now, replacing its earlier life."""
    life = {
        "pid": pid,
        "device": device,
        "model_version": None,
        "classified": 0,
        "stalled_s": 0.0,
        "dropped": 0,
        "started_at": clock.now(),
        "heartbeat_at": clock.now(),
        "progress_at": None,
        "stopped_at": None,
        "lent_to": None,
    }
    statement = insert_for(session, Worker).values(name=name, **life)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=life))


def beat(
    session: Session,
    *,
    name: str,
    model_version: str | None,
    classified: int,
    progress_age: float | None,
    stalled_s: float = 0.0,
    dropped: int = 0,
    lent_to: int | None = None,
) -> None:
    """Note that a worker lives, what it serves, when it last finished a batch, what it misses.

    Args:
        session: a writing session.
        name: the worker's stable name.
        model_version: what answers now.
        classified: tickets since it started.
        progress_age: seconds since it finished a batch.
        stalled_s: seconds in which messages waited and none reached it.
        dropped: messages it dropped because they were no task, since it started.
        lent_to: the run for which it has let go of its device.
    """
    session.execute(
        update(Worker)
        .where(Worker.name == name)
        .values(
            heartbeat_at=clock.now(),
            model_version=model_version,
            classified=classified,
            stalled_s=stalled_s,
            dropped=dropped,
            lent_to=lent_to,
            progress_at=None if progress_age is None else clock.ago(progress_age),
        )
    )


def stopped(session: Session, name: str) -> None:
    """Note that a worker stopped cleanly."""
    session.execute(update(Worker).where(Worker.name == name).values(stopped_at=clock.now()))


def is_alive(worker: Worker, heartbeat: float) -> bool:
    """Whether a worker has not stopped and beat within the last four heartbeats (seconds each)."""
    return worker.stopped_at is None and worker.heartbeat_age < 4 * heartbeat


def list_workers(session: Session) -> list[Worker]:
    """Return all workers by name."""
    return list(session.scalars(select(Worker).order_by(Worker.name)))
