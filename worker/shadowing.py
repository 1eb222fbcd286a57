"""Answers tickets in the shadow, while no ticket waits for the champion."""

import logging
import time
from collections.abc import Callable

from classifier.interface import Classifier
from core.errors import DATABASE_FAULTS
from core.faults import signature
from core.settings import Settings
from db import Database, claims, shadow, taxonomy
from db.claims import Claim, ClaimedTicket
from db.shadow import Shadow, ShadowResult
from db.standing import stand_now
from worker.answers import to_results
from worker.batches import make_batch
from worker.calibrated import Calibrated
from worker.resident import Resident

logger = logging.getLogger(__name__)

AT_ONCE = 32
"""Tickets that a live one may have to wait for."""


class ShadowLoop:
    """Has the version in the shadow answer some tickets. Nothing that it does reaches a ticket.

    A version that does not load, or fails on a ticket, is let alone until it or the units change.

    Args:
        database: the record.
        resident: the champion, which goes first; its loader loads what is in the shadow.
        settings: times and limits.
        stopping: whether the worker was told to stop.
    """

    def __init__(
        self,
        database: Database,
        resident: Resident,
        settings: Settings,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.database = database
        self.resident = resident
        self.settings = settings
        self.stopping = stopping
        self.calibrated = Calibrated()
        self._classifier: Classifier | None = None
        self._tried: tuple[str, int] | None = None  # the version, for the units' version

    def run(self) -> int:
        """Answer in the shadow until a ticket waits, all is answered or time is up.

        Returns:
            How many tickets were answered.
        """
        until = time.monotonic() + self.settings.task_loop
        answered = 0
        while time.monotonic() < until and not self.stopping():
            found = self._next()
            if found is None:
                break
            answered += self._answer(*found)
        if answered:
            logger.info(
                "answered in the shadow", extra={"action": "shadow.answered", "tickets": answered}
            )
        return answered

    def _next(self) -> tuple[Classifier, list[ClaimedTicket]] | None:
        """Return what answers next, and the tickets; None where there is nothing to do."""
        with self.database.reading() as session:
            if claims.any_waits(session):
                return None
            current = shadow.current(session)
            units = taxonomy.current_version(session)
        if current is None:
            self._classifier, self._tried = None, None
            return None
        self._load(current, units)
        if self._classifier is None:
            return None
        with self.database.reading() as session:
            self.calibrated.follow(session, self._classifier)
        with self.database.writing() as session:
            tickets = shadow.take(session, current, AT_ONCE)
        return (self._classifier, tickets) if tickets else None

    def _load(self, current: Shadow, units: int) -> None:
        """Load what is in the shadow, unless that was tried before."""
        if self._tried == (current.version, units):
            return
        self._classifier, self._tried = None, (current.version, units)
        loader, champion = self.resident.loader, self.resident.classifier
        if loader.needs_gpu_alone(champion, current.version):
            logger.warning(
                "not answered in the shadow: its base, or mode, is another than the champion's, "
                "and the GPU may not hold both",
                extra={"action": "shadow.refused", "version": current.version},
            )
            return
        self._classifier = loader.load(
            current.version, None, champion.version if champion else None
        )

    def _answer(self, classifier: Classifier, tickets: list[ClaimedTicket]) -> int:
        try:
            results = self._results(classifier, tickets)
        except DATABASE_FAULTS:
            raise
        except Exception as error:  # a challenger's fault must not take the worker with it
            self._classifier = None
            fields = {"version": classifier.version, "error": signature(error)}
            logger.error(  # noqa: TRY400 (its text may quote a ticket)
                "a version in the shadow failed and is asked no more",
                extra={"action": "shadow.failed", **fields},
            )
            return 0
        with self.database.writing() as session:
            shadow.store(session, classifier.version, results)
        return len(results)

    def _results(self, classifier: Classifier, tickets: list[ClaimedTicket]) -> list[ShadowResult]:
        """Return what it would have answered in the champion's place."""
        claim = Claim("", tickets)
        offered = self.resident.active_units | classifier.units
        batch = make_batch(self.database, claim, "", offered)
        decisions = classifier.classify(batch.texts, batch.allowed, self.settings.top_k)
        answers = to_results(claim, batch, decisions)
        with self.database.reading() as session:
            answers = stand_now(session, answers)
        return [
            ShadowResult(one.ticket_id, one.round, one.unit, one.probability, one.held_back)
            for one in answers
        ]
