"""A card in turns: a training run has it while its lease counts, and workers let go of it.

The run's row is the card's lease. Its trainer's heartbeats prolong it. It ends with the run, or
expires because the trainer died.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import clock, workers
from db.models import CLAIMABLE, Ticket, Worker
from db.run_tables import RUNNING, Run


def lent_to(session: Session, place: str | None) -> int | None:
    """Return the run that has a card (``core.place``) to itself; None where workers may use it."""
    if place is None:
        return None
    has = RUNNING, Run.device == place, Run.takes_card.is_(True)
    return session.scalar(select(Run.id).where(*has, Run.lease_until > clock.ago(0)))


def keepers(session: Session, run: Run, heartbeat: float) -> list[str]:
    """Return the workers that live and have not let go of a run's card yet, by name.

    Args:
        session: a session.
        run: that is to have the card.
        heartbeat: seconds between two of a worker.
    """
    there = session.scalars(select(Worker).where(Worker.device == run.device).order_by(Worker.name))
    return [w.name for w in there if w.lent_to != run.id and workers.is_alive(w, heartbeat)]


def live_wait(session: Session) -> float:
    """Return for how many seconds the oldest live ticket has waited unclaimed, 0 without one."""
    oldest = select(clock.age(func.min(Ticket.queued_at))).where(CLAIMABLE, Ticket.lane == "live")
    return session.scalar(oldest) or 0.0
