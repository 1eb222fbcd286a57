"""The claim loop: claim, infer, commit, until a message's ids are done or its time is up."""

import logging
import time
from collections.abc import Callable, Collection, Sequence

from classifier.interface import Classifier
from core.errors import BrokerUnavailableError, ModelFaultError
from core.faults import describe
from core.settings import Settings
from db import Database, claims
from worker.attempts import Attempts
from worker.dispatcher import Dispatcher
from worker.feed import BatchFeed
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
        before = self.tally.classified
        self.attempts.release_owed()
        pending = self._still_queued(ids)
        while pending:
            classifier = self.resident.refresh()
            if classifier is None or not self.resident.active_units:
                break  # the rows wait; the relay brings them again
            feed = self._feed(classifier, lane, pending, until)
            try:
                is_done = self._work_off(feed)
            except ModelFaultError:
                self._drop_model()
                continue  # with the baseline, if there is one
            if feed.is_over():
                self._publish_rest(lane, self._still_queued(pending))
                break
            if is_done:
                break
            if lane == "live":
                pending = sorted(feed.left)
        classified = self.tally.classified - before
        fields = {"lane": lane, "ids": len(ids), "classified": classified}
        logger.info("message done", extra={"action": "message.done", **fields})
        return classified

    def _drop_model(self) -> None:
        logger.exception(
            "the model is let go until it is loaded anew", extra={"action": "model.dropped"}
        )
        self.resident.drop()

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
        """Work off a feed, then one solo ticket; return whether nothing was left to claim.

        With one solo ticket between two feeds, solo tickets neither starve nor delay the rest.
        """
        dispatcher = Dispatcher(
            self.database, self.resident, self.attempts, self.settings, self.tally
        )
        dispatcher.answer_feed(feed)
        solo = self.attempts.claim_while(self.resident.has_followed, claims.claim_solo)
        if solo is None:  # a new champion or calibration comes first
            return False
        dispatcher.answer_claim(feed.classifier, solo)
        return feed.is_done and not solo.tickets

    def _publish_rest(self, lane: str, ids: list[int]) -> None:
        if not ids:
            return
        try:
            self.publish({lane: ids})
        except BrokerUnavailableError as error:
            logger.warning(
                "could not publish the rest, the relay will: %s",
                describe(error),
                extra={"action": "publish.failed", "lane": lane, "ids": len(ids)},
            )
