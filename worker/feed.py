"""The feed: batches are claimed as the model asks for them."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from classifier.interface import Batch, Classifier
from db import claims
from db.batch import Budget
from db.claims import Claim
from worker.attempts import Attempts
from worker.batches import make_batch, split_live
from worker.resident import Resident


class BatchFeed:
    """Batches for a model, claimed one after the other until something else must come first.

    A model that works ahead asks for the next batch before it has answered the last, so several
    claims may be under way.

    Args:
        attempts: claims tickets.
        resident: the model; a new champion or calibration ends the feed.
        classifier: the resident's, which answers the batches.
        lane: of the message.
        ids: of the message; they are claimed before others of a bulk lane.
        max_batch: tickets a claim takes at most.
        is_over: whether the message's time is up, or the worker is to stop.

    Attributes:
        left: ids of the message that were not claimed.
        under_way: claims without an answer, or parts of them, by the token of their batch.
        is_done: whether nothing was left to claim for this message.
        fault: what claiming raised; no fault of the model's.
    """

    def __init__(
        self,
        attempts: Attempts,
        resident: Resident,
        classifier: Classifier,
        *,
        lane: str,
        ids: Collection[int],
        max_batch: int,
        is_over: Callable[[], bool],
    ) -> None:
        self.attempts = attempts
        self.resident = resident
        self.classifier = classifier
        self.lane = lane
        self.left = set(ids)
        self.is_over = is_over
        self.under_way: dict[str, Claim] = {}
        self.is_done = False
        self.fault: Exception | None = None
        self._budget = Budget(classifier.token_budget, max_batch)

    def __iter__(self) -> Iterator[Batch]:
        try:
            yield from self._batches()
        except Exception as error:
            self.fault = error
            raise

    def _batches(self) -> Iterator[Batch]:
        while True:
            claim = self.attempts.claim_while(
                self.resident.has_followed,
                partial(
                    claims.claim, own_ids=sorted(self.left), lane=self.lane, budget=self._budget
                ),
            )
            if claim is None:  # a new champion or calibration comes first
                return
            if not claim.tickets:
                self.is_done = True
                return
            self.left.difference_update(claim.ids)
            parts = split_live(claim)
            self.under_way |= parts
            for token, part in parts.items():
                yield make_batch(self.attempts.database, part, token, self.resident.offered_units)
            # A live message ends with its own ids: the others have messages of their own.
            if self.lane == "live" and not self.left:
                self.is_done = True
                return
            if self.is_over() or self._has_solo():
                return

    def _has_solo(self) -> bool:
        """Whether a solo ticket comes before the next batch."""
        with self.attempts.database.reading() as session:
            return claims.has_solo(session)
