"""Runs that judge anew: they train nothing, and give another run's version one more look."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import runs
from db.draw_tables import Draw
from db.run_tables import Run

DRAW = "draw"
"""The one parameter of such a run: whether to draw disagreements for people."""


def judge_anew(session: Session, run: Run, *, draw: bool, asked_for: str, actor: str) -> int:
    """Ask for a run that judges the version of another one anew; return its id.

    Args:
        session: a writing session.
        run: it made the version, or judged it.
        draw: whether to ask people about disagreements where nothing else decides.
        asked_for: ``HAND`` or ``DECISIONS``.
        actor: who asked, for the record.
    """
    parameters = {DRAW: True} if draw else {}
    run_id = runs.ask(session, run.kind, parameters, asked_for=asked_for, actor=actor)
    made = session.get_one(Run, run_id)
    made.judges, made.version = run.judges or run.id, run.version
    made.snapshot_sha256 = run.snapshot_sha256
    session.flush()
    return run_id


def was_judged_since(session: Session, draw: Draw) -> bool:
    """Whether a run was asked to judge by a draw, whatever became of it."""
    asked = select(Run.id).where(Run.judges == draw.run_id, Run.asked_at >= draw.drawn_at)
    return session.scalar(asked.limit(1)) is not None
