"""Asks for runs, and looks which is at work, whatever is killed meanwhile."""

from collections.abc import Callable
from itertools import chain, repeat
from typing import TypeVar

import psutil
from sqlalchemy import select

from classifier.model.bases.entries import STAND_IN
from core.errors import DATABASE_FAULTS
from db import runs, versions
from db.run_tables import Run
from tests.support.llm import RECIPE, themed_samples
from tests.support.processes import is_alive
from tests.support.training_runs import ask_for_run, children_at_work
from tests.whole.chaos_training.stack import Stack

STEPS = 16
POINT_EVERY = 4
_POLL_S = 0.1
# A head beside the names, dropout (which the stand-in's own recipe turns off), short steps.
_RECIPE = (
    RECIPE.replace("head = 0", "head_learning_rate = 4e-3")
    .replace("[lora]", "[lora]\nlora_dropout = 0.05")
    .replace("num_train_epochs = 4", f"max_steps = {STEPS}")
    .replace("logging_steps = 5", f"logging_steps = {POINT_EVERY}")
)
_WISHES = {"linear": {}, "llm": {"base": STAND_IN, "recipe": _RECIPE, "error_target": 1.0}}

_Result = TypeVar("_Result")


class Inquirer:
    """The one who asks the record of a stack; a database that is away is waited for."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kinds = chain(stack.plan.runs, repeat(stack.plan.runs[-1]))
        self._found: tuple[psutil.Process, int] | None = None

    def ask(self, kind: str | None = None) -> int:
        """Ask for a run of a kind, by default of the plan's next; return its id."""
        chosen = kind or next(self._kinds)
        stack = self._stack
        return self.patiently(
            lambda: ask_for_run(
                stack.database, stack.settings, themed_samples(), chosen, **_WISHES[chosen]
            )
        )

    def is_under_way(self) -> bool:
        """Whether a run waits or is at work."""

        def read() -> bool:
            with self._stack.database.reading() as session:
                return runs.is_under_way(session)

        return self.patiently(read)

    def has_champion(self) -> bool:
        """Whether a version answers."""

        def read() -> bool:
            with self._stack.database.reading() as session:
                return versions.champion(session) is not None

        return self.patiently(read)

    def all_runs(self) -> list[Run]:
        """Return all runs, the oldest first."""

        def read() -> list[Run]:
            with self._stack.database.reading() as session:
                return list(session.scalars(select(Run).order_by(Run.id)))

        return self.patiently(read)

    def find(self, run_id: int) -> Run:
        """Return a run as it is now."""

        def read() -> Run:
            with self._stack.database.reading() as session:
                return session.get_one(Run, run_id)

        return self.patiently(read)

    def at_work(self) -> tuple[psutil.Process, int] | None:
        """Return the process of the run that is at work, with the run's id."""
        if self._found is not None and is_alive(self._found[0]):
            return self._found
        self._found = self._look_for_one()
        return self._found

    def _look_for_one(self) -> tuple[psutil.Process, int] | None:
        trainer = self._stack.trainer
        if not trainer.is_running:
            return None
        for child in children_at_work(trainer.process):  # type: ignore[arg-type]
            try:
                return child, int(child.cmdline()[-1])
            except (psutil.Error, IndexError, ValueError):  # it has just gone
                continue
        return None

    def patiently(self, action: Callable[[], _Result]) -> _Result:
        """Return what an action returns as soon as the database is there.

        Raises:
            DatabaseUnavailableError, StorageError: the siege has ended meanwhile.
        """
        while True:
            try:
                return action()
            except DATABASE_FAULTS:
                if self._stack.ended.wait(_POLL_S):
                    raise
