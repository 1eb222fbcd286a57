"""The dispatcher: the model answers claimed tickets, and what it answers is stored.

Where the model fails, the dispatcher finds who is to blame: a ticket, or the model itself.
"""

import logging
from contextlib import closing

from classifier.interface import Classifier, classify_batches
from core.errors import DATABASE_FAULTS
from core.faults import signature, trace
from core.settings import Settings
from db import Database, results
from db.claims import Claim
from db.results import Result
from db.standing import stand_now
from worker.answers import to_results
from worker.attempts import Attempts
from worker.batches import make_batch
from worker.feed import BatchFeed
from worker.plain_ticket import try_plain_ticket
from worker.resident import Resident
from worker.tally import Tally

logger = logging.getLogger(__name__)


class Dispatcher:
    """Gives claimed tickets to their units. Whatever happens, each claim ends.

    Args:
        database: the record.
        resident: whose active units may answer.
        attempts: ends the claims that get no answer.
        settings: limits.
        tally: counts what is stored.
    """

    def __init__(
        self,
        database: Database,
        resident: Resident,
        attempts: Attempts,
        settings: Settings,
        tally: Tally,
    ) -> None:
        self.database = database
        self.resident = resident
        self.attempts = attempts
        self.settings = settings
        self.tally = tally

    def answer_feed(self, feed: BatchFeed) -> None:
        """Answer and store a feed's batches as they come.

        Raises:
            ModelFaultError: the model fails on any ticket.
        """
        try:
            self._answer_batches(feed)
        except BaseException:  # a stop, the database, the model: not the tickets' doing
            self.attempts.hand_back(*{claim.token for claim in feed.under_way.values()})
            raise

    def answer_claim(self, classifier: Classifier, claim: Claim) -> None:
        """Answer and store one claim by itself.

        Raises:
            ModelFaultError: the model fails on any ticket.
        """
        if not claim.tickets:
            return
        try:
            try:
                batch = make_batch(self.database, claim, claim.token, self.resident.offered_units)
                decisions = classifier.classify(batch.texts, batch.allowed, self.settings.top_k)
                self._store(claim, to_results(claim, batch, decisions), classifier.version)
            except DATABASE_FAULTS:
                raise
            except Exception as error:  # any fault of a model must not take the worker with it
                self._blame(classifier, claim, error)
        except BaseException:  # a stop, the database, the model: not the tickets' doing
            self.attempts.hand_back(claim.token)
            raise

    def _answer_batches(self, feed: BatchFeed) -> None:
        classifier = feed.classifier
        try:
            batches = classify_batches(classifier, iter(feed), self.settings.top_k)
            with closing(batches) as answers:
                for batch, decisions in answers:
                    claim = feed.under_way[batch.token]
                    self._store(claim, to_results(claim, batch, decisions), classifier.version)
                    del feed.under_way[batch.token]
        except DATABASE_FAULTS:
            raise
        except Exception as error:  # any fault of a model must not take the worker with it
            if error is feed.fault:
                raise
            if not feed.under_way:  # no ticket's doing
                try_plain_ticket(classifier, self.resident.active_units)
                raise
            self._find_culprit(feed, error)

    def _find_culprit(self, feed: BatchFeed, error: Exception) -> None:
        """Blame the one claim under way; of several, answer each by itself to find which one."""
        if len(feed.under_way) == 1:
            [claim] = feed.under_way.values()
            self._blame(feed.classifier, claim, error)
            return
        fields = {"batches": len(feed.under_way), "error": signature(error)}
        logger.warning(
            "the model failed with several batches under way: they are tried one by one",
            extra={"action": "batches.failed", **fields},
        )
        while feed.under_way:
            self.answer_claim(feed.classifier, feed.under_way.popitem()[1])

    def _blame(self, classifier: Classifier, claim: Claim, error: Exception) -> None:
        """Count a failed attempt against the tickets, unless the model fails on any ticket."""
        what = signature(error)
        fields = {"tickets": len(claim.tickets), "error": what}
        logger.error("a batch failed", extra={"action": "batch.failed", **fields})
        logger.debug("the batch's fault:\n%s", trace(error), extra={"action": "fault.traced"})
        try_plain_ticket(classifier, self.resident.active_units)
        reason = f"it cannot be classified: {what}"
        self.attempts.fail(claim, reason, self.settings.max_attempts)

    def _store(self, claim: Claim, answers: list[Result], version: str) -> None:
        with self.database.writing() as session:
            stored = results.store(
                session,
                claim.token,
                stand_now(session, answers),
                version=version,
                degraded=self.resident.degraded,
                calibration=self.resident.calibrated.id,
                review_sample=self.settings.review_sample,
            )
        self.tally.add(len(stored))
        lost = len(answers) - len(stored)
        if lost:
            logger.warning("claims were lost", extra={"action": "claims.lost", "tickets": lost})
