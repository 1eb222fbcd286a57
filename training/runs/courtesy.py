"""Courtesy: between two steps, a training lets live tickets be answered first."""

import logging
import time

from core.errors import DATABASE_FAULTS
from core.faults import describe
from core.settings import Settings
from db import Database, claims, workers
from db.run_points import Point
from training.progress import Progress

logger = logging.getLogger(__name__)

LONGEST_S = 5.0
"""A training waits so long for one step at most, so it gets on under any stream."""
_POLL_S = 0.02


class Courtesy:
    """A ``Progress`` that waits, after a step, while somebody waits for a ticket.

    A worker has to live: without one the tickets would wait all the same.

    Args:
        told: is told of lines and steps.
        database: the record. Where it is away, the training goes on.
        settings: whether to wait, and when a worker is taken for dead.
    """

    def __init__(self, told: Progress, database: Database, settings: Settings) -> None:
        self._told = told
        self._database = database
        self._settings = settings
        self.waited = 0.0  # seconds, altogether

    def say(self, line: str) -> None:
        """Pass on a line."""
        self._told.say(line)

    def measured(self, point: Point) -> None:
        """Pass on a point of the curves."""
        self._told.measured(point)

    def step(self, step: int, steps: int, loss: float | None) -> None:
        """Pass on a step, and wait for live tickets."""
        self._told.step(step, steps, loss)
        if self._settings.training_yields and step < steps:
            began = time.monotonic()
            while self._is_wanted() and time.monotonic() < began + LONGEST_S:
                time.sleep(_POLL_S)
            self.waited += time.monotonic() - began

    def _is_wanted(self) -> bool:
        """Whether a live ticket is under way, and a worker lives that answers it."""
        try:
            with self._database.reading() as session:
                return claims.live_under_way(session) and any(
                    workers.is_alive(one, self._settings.heartbeat)
                    for one in workers.list_workers(session)
                )
        except DATABASE_FAULTS as error:
            logger.debug(
                "nobody knows whether a live ticket waits: %s",
                describe(error),
                extra={"action": "training.unheard"},
            )
            return False
