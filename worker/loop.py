"""The claim loop: claim, infer, commit, until a message's ids are done or its time is up."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing

from classifier.interface import Classifier, classify_batches
from core.errors import DATABASE_FAULTS, BrokerUnavailableError, ModelFaultError
from core.faults import describe, signature, trace
from core.settings import Settings
from db import claims, results
from db.claims import Claim
from db.results import Result
from db.session import Database
from worker.answers import to_results
from worker.attempts import Attempts
from worker.batches import make_batch
from worker.feed import BatchFeed
from worker.plain_ticket import try_plain_ticket
from worker.resident import Resident
from worker.tally import Tally

logger = logging.getLogger(__name__)

Publish = Callable[[dict[str, list[int]]], object]


class ClaimLoop:
    """Works off messages of one worker process.

    Args:
        database: the record.
        resident: the model.
        settings: times and limits.
        publish: sends ids back to a lane.
        worker: the worker's stable name.
        stopping: whether the worker was told to stop.
    """

    def __init__(
        self,
        database: Database,
        resident: Resident,
        settings: Settings,
        publish: Publish,
        worker: str,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.database = database
        self.resident = resident
        self.settings = settings
        self.publish = publish
        self.worker = worker
        self.stopping = stopping
        self.attempts = Attempts(database, worker, settings.claim)
        self.tally = Tally()

    def run(self, ids: Sequence[int], lane: str) -> int:
        """Classify ``ids`` and what else waits in a bulk lane, until all is done or time is up.

        Ids are a hint. Other tickets fill the batches. Ids that are done, or in another worker's
        hands, are no longer this message's business; with none left, nothing is claimed. A live
        message ends with its own ids: other live tickets have messages of their own, and bulk gets
        its turn.

        Returns:
            How many tickets were classified.
        """
        until = time.monotonic() + self.settings.task_loop
        self.attempts.release_owed()
        pending = self._still_queued(ids)
        before = self.tally.classified
        while pending:
            classifier = self.resident.refresh()
            if classifier is None or not self.resident.active_units:
                break  # the rows wait; the relay brings them again
            feed = self._feed(classifier, lane, pending, until)
            try:
                is_done = self._work_off(feed)
            except ModelFaultError:
                logger.exception(
                    "the model is let go until it is loaded anew", extra={"action": "model.dropped"}
                )
                self.resident.drop()
                continue  # with the baseline, if there is one
            if feed.is_over():
                self._publish_rest(lane, self._still_queued(pending))
                break
            if is_done:
                break
            if lane == "live":
                pending = sorted(feed.left)
        classified = self.tally.classified - before
        logger.info(
            "message done",
            extra={
                "action": "message.done",
                "lane": lane,
                "ids": len(ids),
                "classified": classified,
            },
        )
        return classified

    def _feed(
        self, classifier: Classifier, lane: str, ids: Collection[int], until: float
    ) -> BatchFeed:
        return BatchFeed(
            self.attempts,
            self.resident,
            classifier,
            lane=lane,
            ids=ids,
            max_batch=self.settings.max_batch,
            is_over=lambda: self.stopping() or time.monotonic() >= until,
        )

    def _still_queued(self, ids: Collection[int]) -> list[int]:
        """Return those of ``ids`` that wait: some may be in another worker's hands by now."""
        if not ids:
            return []
        with self.database.reading() as session:
            return claims.still_queued(session, ids)

    def _work_off(self, feed: BatchFeed) -> bool:
        """Work off a feed, then one of the tickets that run alone; return whether all is done.

        One solo ticket between two feeds: so they neither starve nor hold up the rest.
        """
        try:
            self._answer(feed)
        except BaseException:  # a stop, the database, the model: not the tickets' doing
            self.attempts.hand_back(*{claim.token for claim in feed.under_way.values()})
            raise
        solo = self.attempts.claim(claims.claim_solo)
        self._work(feed.classifier, solo)
        return feed.is_done and not solo.tickets

    def _answer(self, feed: BatchFeed) -> None:
        """Answer and store a feed's batches as they come."""
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
            self._find_culprit(feed, error)

    def _find_culprit(self, feed: BatchFeed, error: Exception) -> None:
        """Find whose fault an error of the model is, with one or several batches under way."""
        if not feed.under_way:  # no ticket's doing
            try_plain_ticket(feed.classifier, self.resident.active_units)
            raise error
        if len(feed.under_way) == 1:
            [claim] = feed.under_way.values()
            self._blame(feed.classifier, claim, error)
            return
        logger.warning(
            "the model failed with several batches under way: they are tried one by one",
            extra={
                "action": "batches.failed",
                "batches": len(feed.under_way),
                "error": signature(error),
            },
        )
        # Each by itself: only the one that the model fails on is to blame.
        while feed.under_way:
            self._work(feed.classifier, feed.under_way.popitem()[1])

    def _work(self, classifier: Classifier, claim: Claim) -> None:
        """Infer and commit one claim; whatever happens, the claim ends."""
        if not claim.tickets:
            return
        try:
            try:
                batch = make_batch(self.database, claim, claim.token, self.resident.active_units)
                decisions = classifier.classify(batch.texts, batch.allowed, self.settings.top_k)
                self._store(claim, to_results(claim, batch, decisions), classifier.version)
            except DATABASE_FAULTS:
                raise
            except Exception as error:  # any fault of a model must not take the worker with it
                self._blame(classifier, claim, error)
        except BaseException:  # a stop, the database, the model: not the tickets' doing
            self.attempts.hand_back(claim.token)
            raise

    def _blame(self, classifier: Classifier, claim: Claim, error: Exception) -> None:
        """Count a failed attempt against the tickets, unless the model fails on any ticket.

        Raises:
            ModelFaultError: it does.
        """
        what = signature(error)
        logger.error(
            "a batch failed",
            extra={"action": "batch.failed", "tickets": len(claim.tickets), "error": what},
        )
        logger.debug("the batch's fault:\n%s", trace(error), extra={"action": "batch_fault.traced"})
        try_plain_ticket(classifier, self.resident.active_units)
        self.attempts.fail(claim, f"it cannot be classified: {what}", self.settings.max_attempts)

    def _store(self, claim: Claim, answers: list[Result], version: str) -> None:
        with self.database.writing() as session:
            stored = results.store(
                session,
                claim.token,
                answers,
                version=version,
                degraded=self.resident.degraded,
                review_sample=self.settings.review_sample,
            )
        self.tally.add(len(stored))
        if len(stored) < len(answers):
            lost = len(answers) - len(stored)
            logger.warning("claims were lost", extra={"action": "claims.lost", "tickets": lost})

    def _publish_rest(self, lane: str, ids: list[int]) -> None:
        if not ids:
            return
        try:
            self.publish({lane: ids})
        except BrokerUnavailableError as error:
            logger.warning(
                "could not publish the rest, the relay will: %s",
                describe(error),
                extra={"action": "publishing.failed", "lane": lane, "ids": len(ids)},
            )
