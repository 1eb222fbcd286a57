"""The demo's training runs, which its trainer works off, and the person who feeds them."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from classifier.model.bases.entries import STAND_IN
from core.errors import PaidanError
from core.publisher import call_trainers
from db import Database, corrections, runs
from db.models import Status, Ticket
from db.run_tables import Run, RunPoint, RunState
from paidan.demo.home import ACTOR, Demo, say
from training.runs.wish import Wish
from training.snapshot.seed import store_seed
from training.snapshot.store import snapshots_in

_POLL_S = 0.2
_TOLD_EVERY_S = 20.0
# Each point of the curves has the loss of held-out tickets, which takes as long as a step.
_RECIPE = "[training]\nlogging_steps = 30\n"
KILLED_AT = 20
"""The step of a training at which its trainer is killed, where it is to be."""


def decide_waiting(database: Database, truth: Mapping[str, str], source: str) -> int:
    """Decide every ticket of a source that waits for a person, by its true unit."""
    with database.writing() as session:
        waiting = session.scalars(
            select(Ticket).where(Ticket.source == source, Ticket.status == Status.REVIEW)
        ).all()
        for ticket in waiting:
            corrections.decide(session, ticket, truth[ticket.external_id], actor=ACTOR)
    return len(waiting)


def learn(demo: Demo, *, kills: bool = False) -> Run:
    """Have the trainer train, judge and promote; return the run.

    Args:
        demo: whose seed and decisions are learned.
        kills: whether the trainer is killed on the way; the stack starts another.

    Raises:
        PaidanError: the run made no version.
    """
    folder = snapshots_in(demo.settings.resolved_models_dir)
    wish = Wish(seed=store_seed(folder, demo.seed), base=STAND_IN, recipe=_RECIPE)
    with demo.database.writing() as session:
        run_id = runs.ask(
            session, "llm", wish.model_dump(mode="json"), asked_for=runs.HAND, actor=ACTOR
        )
    call_trainers(demo.settings)
    run = _await_end(demo, run_id, kills=kills)
    if run.state not in (RunState.DONE, RunState.REFUSED):
        raise PaidanError(f"training run {run_id} is {run.state}: {run.error}")
    return run


def tell_verdict(verdict: Mapping[str, Any] | None) -> None:
    """Print what the gate found, check by check."""
    if verdict is None:
        say("there was no champion to compare it with")
        return
    for finding in verdict["findings"]:
        passed = "passed" if finding["passed"] else "refused"
        cure = f" ({finding['cure']})" if finding["cure"] else ""
        say(f"gate: {passed}, {finding['check']}: {finding['text']}{cure}")


def _await_end(demo: Demo, run_id: int, *, kills: bool) -> Run:
    told, tell_at = 0, 0.0
    while True:
        demo.stack.mend()
        with demo.database.reading() as session:
            run = session.get_one(Run, run_id)
            newest = session.scalar(
                select(RunPoint).where(RunPoint.run_id == run_id).order_by(RunPoint.step.desc())
            )
            if run.state in runs.ENDED:
                session.expunge(run)
                return run
        step = newest.step if newest else 0
        if kills and step >= KILLED_AT:
            say(f"killing the trainer at step {step}: another one takes the run over")
            demo.stack.part("trainer").kill()
            kills = False
        if step > told and time.monotonic() >= tell_at:
            say(f"run {run_id}: step {step}")
            told, tell_at = step, time.monotonic() + _TOLD_EVERY_S
        time.sleep(_POLL_S)
