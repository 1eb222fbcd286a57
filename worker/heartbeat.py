"""The heartbeat: a thread that keeps a worker's row alive while its model works."""

import logging
import threading
from collections.abc import Callable

from core.errors import PaidanError
from core.faults import describe
from db import cards, workers
from worker.loop import ClaimLoop
from worker.shared import Shared

logger = logging.getLogger(__name__)


class Heartbeat:
    """Writes what a worker has done into its row, and gives back the claims that are owed.

    Args:
        loop: whose worker, model and counts are told.
        shared: the parent's numbers.
        stalled: seconds in which messages wait and none comes.
        period: seconds between two beats.
        before: is called before each beat.
    """

    def __init__(
        self,
        loop: ClaimLoop,
        shared: Shared,
        stalled: Callable[[], float],
        period: float,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.loop = loop
        self.shared = shared
        self.stalled = stalled
        self.period = period
        self.before = before
        self._ended = threading.Event()

    def start(self) -> None:
        """Beat at once, then once a period, in a thread of its own."""
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Send no more beats."""
        self._ended.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            pause = self.period
            try:
                self.beat()
            except PaidanError as error:
                logger.warning(
                    "no heartbeat: %s", describe(error), extra={"action": "heartbeat.failed"}
                )
            except Exception:  # the thread must outlive whatever the database says
                logger.exception("no heartbeat", extra={"action": "heartbeat.failed"})

    def beat(self) -> None:
        """Write the row, then release what is owed: an idle worker has no other occasion."""
        self.before()
        resident = self.loop.resident
        with self.loop.database.writing() as session:
            # In this order: what is about to be loaded since no run had the card is seen then.
            run = cards.lent_to(session, resident.place)
            lent_to = run if resident.is_off_card else None
            workers.beat(
                session,
                name=self.loop.worker,
                model_version=resident.version,
                classified=self.loop.tally.classified,
                stalled_s=self.stalled(),
                dropped=self.shared.dropped,
                progress_age=self.loop.tally.age,
                lent_to=lent_to,
            )
        self.loop.attempts.release_owed()
