"""What became of the versions that runs have made: refused by the gate, or never judged."""

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from db.run_tables import Run, RunState
from db.runs import ENDED

_JUDGED = (RunState.DONE, RunState.REFUSED)
_BROKEN_OFF = (RunState.FAILED, RunState.CANCELLED)


def refused_run(session: Session, version: str) -> Run | None:
    """Return the run in which the gate last refused a version, None where it let it pass."""
    mine = select(Run).where(Run.version == version, Run.state.in_(_JUDGED))
    found = session.scalar(mine.order_by(Run.id.desc()).limit(1))
    return found if found and found.verdict and not found.verdict.get("promoted") else None


def unjudged_run(session: Session, version: str) -> Run | None:
    """Return the run that made a version and ended before it was judged; None for any other."""
    mine = select(Run).where(Run.version == version, _tells())
    found = session.scalar(mine.order_by(Run.id.desc()).limit(1))
    return found if found and found.state in _BROKEN_OFF else None


def held_back(session: Session) -> set[str]:
    """Return the versions that runs have made and that are not to answer."""
    found = session.execute(select(Run.version, Run.state).where(_tells()).order_by(Run.id))
    newest = dict(found.all())
    return {name for name, state in newest.items() if name and state != RunState.DONE}


def count_verdicts(session: Session, champion: str) -> int:
    """Return how often the gate has compared a version with this champion."""
    verdicts = session.scalars(select(Run.verdict).where(Run.state.in_(ENDED)))
    return sum(one is not None and one.get("champion") == champion for one in verdicts)


def _tells() -> ColumnElement[bool]:
    """Whether a run tells of its version: one more look that came to no end changes nothing."""
    made = and_(Run.state.in_(_BROKEN_OFF), Run.judges.is_(None))
    return and_(Run.version.is_not(None), or_(Run.state.in_(_JUDGED), made))
