"""The claim loop: claim, infer, commit, until a message's ids are done or its time is up."""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import get_args

from classifier.interface import Batch, Classifier, Decision, HeldBack, classify_batches
from core.errors import DATABASE_FAULTS, BrokerUnavailableError, ModelFaultError
from core.faults import describe, signature, trace
from core.settings import Settings
from core.text import model_text
from db import claims, results, taxonomy
from db.batch import Budget
from db.claims import Claim
from db.results import Result
from db.session import Database
from worker.resident import Resident

logger = logging.getLogger(__name__)

# A ticket any model must be able to read: it tells a broken model from a ticket that breaks one.
_PLAIN_TICKET = "这里的路灯不亮了，请派人来修。"

Publish = Callable[[dict[str, list[int]]], object]


@dataclass(slots=True)
class Progress:
    """What this process has done since it started; read by the heartbeat thread."""

    classified: int = 0
    at: float | None = None  # when the last batch was stored, by the monotonic clock
    # Tokens of claims that could not be given back because the database was away.
    owed: deque[str] = field(default_factory=deque)

    @property
    def age(self) -> float | None:
        """Seconds since the last batch was stored; None before the first."""
        return None if self.at is None else time.monotonic() - self.at


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
        """Classify ``ids`` and what else a bulk lane holds, until it is dry or the time is up.

        Returns how many tickets were classified. Ids are a hint: other tickets fill the batches,
        and ids that are done, or in another worker's hands, are no longer this message's business:
        with none left, nothing is claimed. A live message ends with its own ids: others have
        messages of their own, and bulk gets its turn.
        """
        until = time.monotonic() + self.settings.task_loop
        self.release_owed()
        pending = self._still_queued(ids)
        before = self.progress.classified
        while pending:
            classifier = self.resident.refresh()
            if classifier is None or not self.resident.active_units:
                break  # the rows wait; the relay brings them again
            flight = _Flight(classifier, lane, until, set(pending))
            try:
                self._work_off(flight)
            except ModelFaultError:
                logger.exception("the model is let go until it is loaded anew")
                self.resident.drop()
                continue  # with the baseline, if there is one
            if self.stopping() or time.monotonic() >= until:
                self._publish_rest(lane, self._still_queued(pending))
                break
            if flight.is_dry:
                break
            if lane == "live":
                pending = sorted(flight.left)
        classified = self.progress.classified - before
        logger.info("message done", extra={"lane": lane, "ids": len(ids), "classified": classified})
        return classified

    def _still_queued(self, ids: Collection[int]) -> list[int]:
        """Return those of ``ids`` that wait: some may be in another worker's hands by now."""
        if not ids:
            return []
        with self.database.reading() as session:
            return claims.still_queued(session, ids)

    def release_owed(self) -> None:
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

    def _work_off(self, flight: "_Flight") -> None:
        """Work off batches, then one of the tickets that run alone.

        The lone ones go one between two streams of batches: they neither starve nor hold up the
        rest.
        """
        try:
            self._answer(flight)
        except BaseException:  # a stop, the database, the model: not the tickets' doing
            self._hand_back(*{claim.token for claim in flight.claims.values()})
            raise
        lone = self._claim(claims.claim_solo)
        self._work(flight.classifier, lone)
        flight.is_dry &= not lone.tickets

    def _batches(self, flight: "_Flight") -> Iterator[Batch]:
        """Claim batches as they are asked for, until something else must come first."""
        try:
            yield from self._claimed(flight)
        except Exception as error:
            flight.fault = error  # no doing of the model's
            raise

    def _claimed(self, flight: "_Flight") -> Iterator[Batch]:
        lane, left = flight.lane, flight.left
        while True:
            budget = Budget(flight.classifier.token_budget, self.settings.max_batch)
            claim = self._claim(
                partial(claims.claim, own_ids=sorted(left), lane=lane, budget=budget)
            )
            if not claim.tickets:
                flight.is_dry = True
                return
            left.difference_update(claim.ids)
            parts = _parts(claim)
            flight.claims |= parts
            for token, part in parts.items():
                yield self._request(part, token)
            if lane == "live" and not left:
                flight.is_dry = True
                return
            if self.stopping() or time.monotonic() >= flight.until:
                return
            with self.database.reading() as session:
                if not self.resident.is_current(session) or claims.has_solo(session):
                    return

    def _answer(self, flight: "_Flight") -> None:
        """Answer and store batches as they come."""
        classifier = flight.classifier
        try:
            batches = self._batches(flight)
            with closing(classify_batches(classifier, batches, self.settings.top_k)) as answers:
                for batch, decisions in answers:
                    claim = flight.claims[batch.token]
                    self._store(claim, _results(claim, batch, decisions), classifier.version)
                    del flight.claims[batch.token]
        except DATABASE_FAULTS:
            raise
        except Exception as error:  # any fault of a model must not take the worker with it
            if error is flight.fault:
                raise
            if not flight.claims:  # no ticket's doing
                self._try_plain(classifier)
                raise
            if len(flight.claims) == 1:
                [claim] = flight.claims.values()
                self._blame(classifier, claim, error)
                return
            logger.warning(
                "a stream failed: its batches are tried one by one",
                extra={"batches": len(flight.claims), "error": signature(error)},
            )
            # Each by itself: only the one that the model fails on is to blame.
            while flight.claims:
                self._work(classifier, flight.claims.popitem()[1])

    def _claim(self, claim: Callable[..., Claim]) -> Claim:
        """Claim in a transaction of its own; one that may or may not be committed is owed back."""
        token = claims.new_token()
        try:
            with self.database.writing() as session:
                return claim(session, token=token, worker=self.worker, seconds=self.settings.claim)
        except DATABASE_FAULTS:
            self.progress.owed.append(token)
            raise

    def _work(self, classifier: Classifier, claim: Claim) -> None:
        """Infer and commit a claim; whatever happens, the claim ends."""
        if not claim.tickets:
            return
        try:
            try:
                batch = self._request(claim, claim.token)
                decisions = classifier.classify(batch.texts, batch.allowed, self.settings.top_k)
                self._store(claim, _results(claim, batch, decisions), classifier.version)
            except DATABASE_FAULTS:
                raise
            except Exception as error:  # any fault of a model must not take the worker with it
                self._blame(classifier, claim, error)
        except BaseException:  # a stop, the database, the model: not the tickets' doing
            self._hand_back(claim.token)
            raise

    def _blame(self, classifier: Classifier, claim: Claim, error: Exception) -> None:
        """Count a failed attempt against the tickets, unless the model fails on any ticket.

        Raises:
            ModelFaultError: it does.
        """
        what = signature(error)
        logger.error("a batch failed", extra={"tickets": len(claim.tickets), "error": what})
        logger.debug("the batch's fault:\n%s", trace(error))
        self._try_plain(classifier)
        with self.database.writing() as session:
            claims.fail_attempt(
                session,
                claim.token,
                claim.ids,
                reason=f"it cannot be classified: {what}",
                max_attempts=self.settings.max_attempts,
            )

    def _try_plain(self, classifier: Classifier) -> None:
        """Ask the model what any model can answer.

        Raises:
            ModelFaultError: it cannot.
        """
        try:
            plain = classifier.classify([_PLAIN_TICKET], [self.resident.active_units], 1)
            _check(plain, [self.resident.active_units])
        except Exception as fault:
            raise ModelFaultError(
                f"model version {classifier.version} fails on a plain ticket ({signature(fault)})"
            ) from fault

    def _request(self, claim: Claim, token: str) -> Batch:
        """Return what the model is asked; its answer comes with ``token``."""
        refused = self._refused([ticket.id for ticket in claim.tickets if ticket.round > 0])
        active = self.resident.active_units
        # A ticket that every unit has returned is offered all of them again.
        allowed = [(active - refused.get(t.id, frozenset())) or active for t in claim.tickets]
        texts = [model_text(ticket.title, ticket.text) for ticket in claim.tickets]
        live = [ticket.lane == "live" for ticket in claim.tickets]
        return Batch(texts, allowed, token, live)

    def _refused(self, returned: list[int]) -> dict[int, set[str]]:
        """Return the units that gave back tickets of a later round (退单)."""
        if not returned:
            return {}
        with self.database.reading() as session:
            return taxonomy.refused_units(session, returned)

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
        self.progress.classified += len(stored)
        self.progress.at = time.monotonic()
        if len(stored) < len(answers):
            logger.warning("claims were lost", extra={"tickets": len(answers) - len(stored)})

    def _hand_back(self, *tokens: str) -> None:
        """Give claims back in one transaction: a database that is away is waited for once."""
        try:
            with self.database.writing() as session:
                claims.hand_back(session, *tokens)
        except DATABASE_FAULTS:
            self.progress.owed.extend(tokens)

    def _publish_rest(self, lane: str, ids: list[int]) -> None:
        if not ids:
            return
        try:
            self.publish({lane: ids})
        except BrokerUnavailableError as error:
            logger.warning("could not publish the rest, the relay will: %s", describe(error))


@dataclass(slots=True)
class _Flight:
    """A stream of batches.

    Attributes:
        classifier: that answers them.
        lane: of the message.
        until: no more is claimed from this monotonic time on.
        left: the message's ids that were not claimed.
        claims: those under way, or parts of them, by the token of their batch.
        is_dry: whether nothing was left to claim.
        fault: what claiming raised.
    """

    classifier: Classifier
    lane: str
    until: float
    left: set[int]
    claims: dict[str, Claim] = field(default_factory=dict)
    is_dry: bool = False
    fault: Exception | None = None


def _parts(claim: Claim) -> dict[str, Claim]:
    """Return a claim's live tickets apart from the others, each part by a token for its batch.

    So they are stored when they are answered, not when all that came with them is.
    """
    live = [ticket for ticket in claim.tickets if ticket.lane == "live"]
    rest = [ticket for ticket in claim.tickets if ticket.lane != "live"]
    parts = {f"{claim.token} live": live, claim.token: rest}
    return {token: Claim(claim.token, part) for token, part in parts.items() if part}


def _results(claim: Claim, batch: Batch, decisions: Sequence[Decision]) -> list[Result]:
    """Return a model's answers as they are stored (see ``_check`` for the errors)."""
    _check(decisions, batch.allowed)
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


def _check(decisions: Sequence[Decision], allowed: Sequence[frozenset[str]]) -> None:
    """Refuse answers that cannot be stored, before they reach the database."""
    if len(decisions) != len(allowed):
        raise ValueError(f"{len(decisions)} answers to {len(allowed)} tickets")
    for decision, units in zip(decisions, allowed, strict=True):
        if not units.issuperset((decision.unit, *(unit for unit, _ in decision.top_k))):
            raise ValueError("an answer is no allowed unit")
        if not all(_is_number(p) for p in (decision.probability, *(p for _, p in decision.top_k))):
            raise ValueError("a probability is no finite number")
        if decision.held_back not in (None, *get_args(HeldBack)):
            raise ValueError("an unknown reason to hold an answer back")


def _is_number(value: object) -> bool:
    """Whether both databases store a value as a number, in a column and in JSON."""
    return isinstance(value, float | int) and math.isfinite(value)
