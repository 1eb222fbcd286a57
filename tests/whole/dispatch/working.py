"""Workers claim, answer, fail, die and are late; the relay sweeps."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import select, update

from core.broker import LANES
from db import claims, results
from db.batch import Budget
from db.claims import Claim
from db.models import Classification, Ticket
from db.results import Result
from tests.support.make import UNITS, let_wait
from tests.whole.dispatch.model import MAX_ATTEMPTS, Expected
from tests.whole.dispatch.producing import MOST, WORKERS, Producing

HELD = Bundle("held")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Held:
    """A claim in the hands of a worker's process, which is in its ``life``-th life."""

    claim: Claim
    worker: str
    life: int


class Working(Producing):
    """What workers and the relay do."""

    @precondition(lambda self: self.expected.claimable())
    @rule(target=HELD, worker=st.sampled_from(WORKERS), lane=st.sampled_from(LANES))
    def claim(self, worker: str, lane: str) -> object:
        """A worker takes the lane's next message and claims a batch, or a solo ticket."""
        made = self._claim(worker, lane)
        return Held(made, worker, self.lives[worker]) if made.tickets else multiple()

    def _claim(self, worker: str, lane: str) -> Claim:
        self._start(worker)
        messages = self.transport.lanes[lane]
        own = messages.pop(0) if messages else []
        wanted = self.expected.next_batch(own, lane, MOST)
        claim: Callable[..., Claim] = partial(
            claims.claim, own_ids=own, lane=lane, budget=Budget(tokens=1_000_000, tickets=MOST)
        )
        if not wanted:
            claim, wanted = claims.claim_solo, self.expected.next_alone()
        token = claims.new_token()
        with self.database.writing() as session:
            made = claim(session, token=token, worker=worker, seconds=3600.0)
        assert made.ids == wanted
        self.expected.claim(wanted, token, worker)
        return made

    def _is_over(self, held: Held) -> bool:
        """Whether the process that held a claim is dead."""
        return held.worker in self.dead or self.lives[held.worker] != held.life

    @rule(
        held=consumes(HELD),
        unit=st.sampled_from(sorted(UNITS)),
        why=st.sampled_from((None, "doubtful")),
        version=st.sampled_from((0, 1)),
    )
    def answer(self, held: Held, unit: str, why: str | None, version: int) -> None:
        """Answers arrive; those to tickets that the claim lost meanwhile change nothing."""
        if not self._is_over(held):
            self._answer(held.claim, unit, why, self.versions[version])

    @rule(held=consumes(HELD))
    def hand_back(self, held: Held) -> None:
        """A clean stop, or a fault that is not the tickets': the attempt does not count."""
        if self._is_over(held):
            return
        with self.database.writing() as session:
            claims.hand_back(session, held.claim.token)
        for ticket in self.expected.under(held.claim.token):
            ticket.free()
            ticket.attempts -= 1

    @rule(held=consumes(HELD))
    def fail(self, held: Held) -> None:
        """The model cannot answer the batch."""
        if not self._is_over(held):
            self._fail(held.claim)

    def _answer(self, claim: Claim, unit: str, why: str | None, version: str) -> None:
        mine = self.expected.under(claim.token)
        answers = [
            Result(ticket.id, ticket.round, unit, 0.5, [(unit, 0.5)], why)
            for ticket in claim.tickets
        ]
        with self.database.writing() as session:
            stored = results.store(session, claim.token, answers, version=version)
        assert sorted(stored) == sorted(ticket.id for ticket in mine)
        for ticket in mine:
            ticket.free()
            ticket.answers[ticket.round] = unit
            ticket.status, ticket.unit = ("review", None) if why else ("routed", unit)

    def _fail(self, claim: Claim) -> None:
        mine = self.expected.under(claim.token)
        with self.database.writing() as session:
            dead = claims.fail_attempt(
                session, claim.token, claim.ids, reason="r", max_attempts=MAX_ATTEMPTS
            )
        for ticket in mine:
            ticket.end_attempt()
        assert sorted(dead) == sorted(ticket.id for ticket in mine if ticket.status == "dead")

    @rule(held=HELD, is_swept=st.booleans())
    def expire(self, held: Held, is_swept: bool) -> None:
        """The claim's time runs out, though its process may live and answer late."""
        with self.database.writing() as session:
            session.execute(
                update(Ticket)
                .where(Ticket.claim_token == held.claim.token)
                .values(claimed_until=LONG_AGO)
            )
        for ticket in self.expected.under(held.claim.token):
            ticket.is_expired = True
        if is_swept:
            self.sweep()

    @rule(held=consumes(HELD), is_answered=st.booleans(), heir=st.sampled_from((None, *WORKERS)))
    def end_late(self, held: Held, is_answered: bool, heir: str | None) -> None:
        """A claim ends after it expired, and perhaps after another worker took its tickets."""
        self.expire(held, is_swept=True)
        if heir is not None and self.expected.claimable():
            self._claim(heir, "bulk")  # which nobody answers any more: it expires, or dies
        if is_answered:
            self.answer(held, "A", None, 0)
        else:
            self.hand_back(held)

    @rule(held=consumes(HELD), comes_back=st.booleans())
    def crash(self, held: Held, comes_back: bool) -> None:
        """A process dies with what it held."""
        self.dead.add(held.worker)
        if comes_back:
            self._start(held.worker)

    def _start(self, worker: str) -> None:
        """A dead worker comes back and frees what its former life held."""
        if worker not in self.dead:
            return
        mine = [t for t in self.expected.tickets.values() if t.worker == worker]
        with self.database.writing() as session:
            freed, _ = claims.free_of_worker(session, worker, max_attempts=MAX_ATTEMPTS)
        assert freed == len(mine)
        for ticket in mine:
            ticket.end_attempt()
        self.dead.discard(worker)
        self.lives[worker] += 1

    @precondition(lambda self: len(self.expected.claimable()) > 4 * MOST)
    @rule(lane=st.sampled_from(LANES))
    def work_off(self, lane: str) -> None:
        """A worker's real loop works off a message; a bulk one leaves nothing that waits."""
        messages = self.transport.lanes[lane]
        own = messages.pop(0) if messages else []
        before = self.expected.claimable()
        waiting = [ticket for ticket in before if ticket.id in own]
        classified = self.loop.run(own, lane)
        self._take_over(before)
        assert waiting or classified == 0
        if waiting and lane != "live":
            assert not self.expected.claimable()
        assert not any(ticket.is_claimable for ticket in waiting if not ticket.alone)

    def _take_over(self, tickets: list[Expected]) -> None:
        """Take the loop's answers into the model: one each, of no unit that returned the ticket."""
        with self.database.reading() as session:
            rows = {row.id: row for row in session.scalars(select(Ticket))}
            answers = {
                (row.ticket_id, row.round): row.unit_code
                for row in session.scalars(select(Classification))
            }
        for ticket in tickets:
            row = rows[ticket.id]
            if row.status == "queued":
                continue
            ticket.status, ticket.unit, ticket.attempts = row.status, row.unit_code, row.attempts
            unit = answers[ticket.id, ticket.round]
            assert unit not in ticket.refused or ticket.refused >= set(UNITS)
            ticket.answers[ticket.round] = unit

    @precondition(lambda self: self.expected.tickets)
    @rule()
    def sweep(self) -> None:
        """Expired claims are freed, and dry lanes get what waits in them."""
        let_wait(self.database)
        due = {lane: [t.id for t in self.expected.claimable(lane=lane)] for lane in LANES}
        depths = {lane: self.transport.depth(lane) for lane in LANES}
        self.relay.sweep()
        for ticket in self.expected.tickets.values():
            if ticket.token is not None and ticket.is_expired:
                ticket.end_attempt()  # what is freed now is published a sweep later
        for lane in LANES:
            sent = [i for message in self.transport.lanes[lane][depths[lane] :] for i in message]
            assert sorted(sent) == sorted(() if depths[lane] else due[lane])
