"""The claim loop: claim, infer, commit, until a message's ids are done or its time is up."""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from classifier.interface import Classifier, Decision
from db import claims, results, taxonomy
from db.claims import Budget, Claim
from db.results import Result
from db.session import Database
from db.types import utc_now
from paidan.errors import DATABASE_FAULTS, BrokerUnavailableError, ModelFaultError
from paidan.settings import Settings
from paidan.text import model_text
from worker.resident import Resident

logger = logging.getLogger(__name__)

# A ticket any model must be able to read: it tells a broken model from a ticket that breaks one.
_PLAIN_TICKET = "这里的路灯不亮了，请派人来修。"

Publish = Callable[[dict[str, list[int]]], object]


@dataclass(slots=True)
class Progress:
    """What this process has done since it started; read by the heartbeat thread."""

    classified: int = 0
    at: datetime | None = None
    # Tokens of claims that could not be given back because the database was away.
    owed: deque[str] = field(default_factory=deque)


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
        self.progress = Progress()

    def run(self, ids: Sequence[int], lane: str) -> int:
        """Classify until ``ids`` are done, nothing is left to claim, or the time is up.

        Returns how many tickets were classified. Ids are a hint: other tickets fill the batches,
        and ids that are done, or in another worker's hands, are no longer this message's business.
        """
        until = time.monotonic() + self.settings.task_loop
        self.settle_debts()
        with self.database.reading() as session:
            pending = claims.still_queued(session, ids)
        before = self.progress.classified
        while pending:
            classifier = self.resident.refresh()
            if classifier is None or not self.resident.active_units:
                break  # the rows wait; the relay brings them again
            try:
                claimed, answered = self._batch(classifier, pending, lane)
            except ModelFaultError:
                logger.exception("the model is let go until it is loaded anew")
                self.resident.drop()
                continue  # with the baseline, if there is one
            pending = self._still_pending(pending, answered)
            if not claimed:
                break
            if self.stopping() or time.monotonic() >= until:
                self._publish_rest(lane, pending)
                break
        classified = self.progress.classified - before
        logger.info("message done", extra={"lane": lane, "ids": len(ids), "classified": classified})
        return classified

    def _still_pending(self, pending: list[int], answered: list[int]) -> list[int]:
        """Return the ids left to this message: some may be in another worker's hands by now."""
        left = set(pending).difference(answered)
        if not left:
            return []
        with self.database.reading() as session:
            return claims.still_queued(session, left)

    def settle_debts(self) -> None:
        """Give back claims that a database fault kept from being given back."""
        owed = self.progress.owed
        while True:
            try:
                token = owed.popleft()
            except IndexError:  # none left: the heartbeat thread settles too
                return
            try:
                with self.database.writing() as session:
                    claims.hand_back(session, token)
            except DATABASE_FAULTS:
                owed.append(token)
                raise

    def _batch(
        self, classifier: Classifier, own_ids: list[int], lane: str
    ) -> tuple[int, list[int]]:
        """Work off one batch, and one of the tickets that run alone.

        Returns how many tickets were claimed, and the ids of those answered.

        The lone ones go one between two batches: they neither starve nor hold up the rest.
        """
        budget = Budget(classifier.token_budget, self.settings.max_batch)
        joint = partial(claims.claim, own_ids=own_ids, lane=lane, budget=budget)
        batch = self._claim(joint)
        answered = self._work(classifier, batch)
        lone = self._claim(claims.claim_solo)
        answered += self._work(classifier, lone)
        return len(batch.ids) + len(lone.ids), answered

    def _claim(self, claim: Callable[..., Claim]) -> Claim:
        """Claim in a transaction of its own; one that may or may not be committed is owed back."""
        token = claims.new_token()
        try:
            with self.database.writing() as session:
                return claim(session, token=token, worker=self.worker, hold=self.settings.claim)
        except DATABASE_FAULTS:
            self.progress.owed.append(token)
            raise

    def _work(self, classifier: Classifier, claim: Claim) -> list[int]:
        """Infer and commit a claim; whatever happens, the claim ends. Return the ids answered."""
        if not claim.tickets:
            return []
        try:
            try:
                answers = self._infer(classifier, claim)
                return self._store(claim, answers, classifier.version)
            except DATABASE_FAULTS:
                raise
            except Exception as error:  # any fault of a model must not take the worker with it
                self._blame(classifier, claim, error)
                return []
        except BaseException:  # a stop, the database, the model: not the tickets' doing
            self._hand_back(claim)
            raise

    def _blame(self, classifier: Classifier, claim: Claim, error: Exception) -> None:
        """Count a failed attempt against the tickets, unless the model fails on any ticket.

        Raises:
            ModelFaultError: it does.
        """
        name = type(error).__name__  # not its text, which may quote a ticket
        logger.error("a batch failed", extra={"tickets": len(claim.tickets), "error": name})
        logger.debug("the batch's fault", exc_info=error)
        try:
            plain = classifier.classify([_PLAIN_TICKET], [self.resident.active_units], 1)
            _check(plain, [self.resident.active_units])
        except Exception as fault:
            raise ModelFaultError(
                f"model version {classifier.version} fails on a plain ticket "
                f"({type(fault).__name__})"
            ) from fault
        with self.database.writing() as session:
            claims.fail(
                session,
                claim.token,
                claim.ids,
                reason=f"it cannot be classified: {name}: {error}"[:500],
                max_attempts=self.settings.max_attempts,
            )

    def _infer(self, classifier: Classifier, claim: Claim) -> list[Result]:
        """Ask the model and check what it says."""
        refused = self._refused([ticket.id for ticket in claim.tickets if ticket.round > 0])
        active = self.resident.active_units
        # A ticket that every unit has returned is offered all of them again.
        allowed = [(active - refused.get(t.id, frozenset())) or active for t in claim.tickets]
        texts = [model_text(ticket.title, ticket.text) for ticket in claim.tickets]
        decisions = classifier.classify(texts, allowed, self.settings.top_k)
        _check(decisions, allowed)
        return [
            Result(
                ticket_id=ticket.id,
                round=ticket.round,
                unit=decision.unit,
                probability=decision.probability,
                top_k=decision.top_k,
                held_back=decision.held_back,
            )
            for ticket, decision in zip(claim.tickets, decisions, strict=True)
        ]

    def _refused(self, returned: list[int]) -> dict[int, set[str]]:
        """Return the units that gave back tickets of a later round (退单)."""
        if not returned:
            return {}
        with self.database.reading() as session:
            return taxonomy.refused_units(session, returned)

    def _store(self, claim: Claim, answers: list[Result], version: str) -> list[int]:
        with self.database.writing() as session:
            stored = results.store(
                session,
                claim.token,
                answers,
                version=version,
                degraded=self.resident.degraded,
                review_sample=self.settings.review_sample,
            )
        self.progress.classified += len(stored)
        self.progress.at = utc_now()
        if len(stored) < len(answers):
            logger.warning("claims were lost", extra={"tickets": len(answers) - len(stored)})
        return stored

    def _hand_back(self, claim: Claim) -> None:
        try:
            with self.database.writing() as session:
                claims.hand_back(session, claim.token)
        except DATABASE_FAULTS:
            self.progress.owed.append(claim.token)

    def _publish_rest(self, lane: str, ids: list[int]) -> None:
        if not ids:
            return
        try:
            self.publish({lane: ids})
        except BrokerUnavailableError as error:
            logger.warning("could not publish the rest, the relay will: %s", error)


def _check(decisions: Sequence[Decision], allowed: Sequence[frozenset[str]]) -> None:
    """Refuse answers that cannot be stored, before they reach the database."""
    if len(decisions) != len(allowed):
        raise ValueError(f"{len(decisions)} answers to {len(allowed)} tickets")
    for decision, units in zip(decisions, allowed, strict=True):
        if decision.unit not in units:
            raise ValueError(f"the answer {decision.unit!r} is no allowed unit")
        if not all(
            math.isfinite(p) for p in (decision.probability, *(p for _, p in decision.top_k))
        ):
            raise ValueError("a probability is not finite")
