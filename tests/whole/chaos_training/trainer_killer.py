"""Kills the trainer, and the process of its run, wherever they are."""

import random
import signal
import threading

import psutil

from db.run_tables import Run
from db.runs import MAX_DEATHS
from tests.whole.chaos_training.inquirer import STEPS, Inquirer
from tests.whole.chaos_training.stack import Stack
from tests.whole.chaos_training.strikes import CHILD, PARENT, Strike
from training.runs.workplace import Workplace

_DOWN_S = (0.2, 3.0)
_LIFE_S = 4.0  # of a linear run's process, and before an LLM's first step
_MOMENT_S = 0.5
_MOST_HITS = 4  # of one run; each life of an LLM's process costs its imports again
_TRIES = 3
_POLL_S = 0.1


class TrainerKiller(threading.Thread):
    """Kills trainer and run at moments of its seed.

    An LLM's process is killed at a random step, before the first one, or while it is judged; a
    linear run's at a random time. No run is given the third death that would fail it.

    Attributes:
        strikes: the kills.
    """

    def __init__(self, stack: Stack, inquirer: Inquirer) -> None:
        super().__init__(name="trainer-killer", daemon=True)
        self._stack = stack
        self._inquirer = inquirer
        self._rng = random.Random(f"{stack.plan.seed}:trainer")
        self.strikes: list[Strike] = []

    def run(self) -> None:
        wanted = [CHILD, PARENT] * self._stack.plan.kills
        self._rng.shuffle(wanted)
        for what in wanted:
            tries = 0
            while not self._stack.ended.is_set() and not self._strike(what, tries >= _TRIES):
                tries += 1

    def _strike(self, what: str, at_once: bool) -> bool:
        """Kill trainer or child at a drawn moment; return whether that was before its end."""
        found = self._victim()
        if found is None:
            return False
        child, run = found
        place = Workplace(self._stack.settings, run.id)
        if not at_once:
            self._wait_for_moment(child, run.kind, place)
        now = self._inquirer.at_work()
        if now is None or now[0] != child:
            return False
        strike = Strike(what, run.id, place.checkpoint_step())
        if what == CHILD:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                return False
        else:
            self._stack.trainer.signal(signal.SIGKILL, down=self._rng.uniform(*_DOWN_S))
        self.strikes.append(strike)
        # The next one is for another process: by then the record has this death.
        while self._inquirer.at_work() == now and not self._stack.ended.wait(_POLL_S):
            continue
        return True

    def _victim(self) -> tuple[psutil.Process, Run] | None:
        """Wait for a process whose run may die once more."""
        while not self._stack.ended.wait(_POLL_S):
            found = self._inquirer.at_work()
            if found is None:
                continue
            run = self._inquirer.find(found[1])
            hits = sum(strike.run == run.id for strike in self.strikes)
            if run.deaths < MAX_DEATHS - 1 and hits < _MOST_HITS:
                return found[0], run
        return None

    def _wait_for_moment(self, child: psutil.Process, kind: str, place: Workplace) -> None:
        last = STEPS - 2 if self._stack.plan.kills == 1 else STEPS
        step = self._rng.randint(-STEPS // 4, last)
        if kind == "linear" or step < 1:
            self._stack.ended.wait(self._rng.uniform(0, _LIFE_S))
            return
        while (place.checkpoint_step() or 0) < step and child.is_running():
            if self._stack.ended.wait(_POLL_S):
                return
        self._stack.ended.wait(self._rng.uniform(0, _MOMENT_S))
