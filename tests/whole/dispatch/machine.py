"""The whole: people decide, and after each step the record is compared with the model."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    invariant,
    precondition,
    rule,
)
from sqlalchemy import select

from core.broker import LANES
from db import claims, corrections
from db.models import Classification, Correction, Ticket
from tests.support.make import UNITS
from tests.support.returns import return_ticket
from tests.whole.dispatch.model import Expected
from tests.whole.dispatch.producing import TICKETS, WORKERS
from tests.whole.dispatch.working import Working


class Dispatch(Working):
    """Everything that happens to tickets, in any order."""

    @rule(ticket_id=TICKETS, unit=st.sampled_from((*sorted(UNITS), None, None)))
    def decide(self, ticket_id: int, unit: str | None) -> None:
        """A person decides, in whatever state the ticket is, or gives it back (None)."""
        ticket = self.expected.tickets[ticket_id]
        if unit is None:
            self._return(ticket)
            return
        with self.database.writing() as session:
            row = session.get_one(Ticket, ticket_id)
            outcome = corrections.decide(session, row, unit, actor="p")
        before = ticket.unit or ticket.answers.get(ticket.round)
        if ticket.unit == unit and ticket.is_decided:
            assert outcome.how is None
            return
        how = "confirm" if before == unit else "correct"
        assert outcome.how == how
        ticket.decisions.append((ticket.round, how, before, unit))
        ticket.free()
        ticket.status, ticket.unit = "routed", unit

    def _return(self, ticket: Expected) -> None:
        """A unit gives a ticket back (退单): a new round begins, or after the second a review."""
        is_first = ticket.unit not in ticket.refused
        with self.database.writing() as session:
            returned = return_ticket(session, ticket.id, ticket.round, actor="p")
        assert returned == (ticket.status == "routed" and is_first)
        if returned:
            ticket.decisions.append((ticket.round, "return", ticket.unit, None))
            ticket.round += 1
            ticket.status = "review" if len(ticket.refused) > 1 else "queued"
            ticket.unit, ticket.attempts, ticket.alone = None, 0, False

    @precondition(lambda self: any(t.status == "dead" for t in self.expected.tickets.values()))
    @rule()
    def requeue_dead(self) -> None:
        dead = [t for t in self.expected.tickets.values() if t.status == "dead"]
        with self.database.writing() as session:
            requeued = claims.requeue_dead(session, None, actor="p")
        assert sorted(requeued) == sorted(ticket.id for ticket in dead)
        for ticket in dead:
            ticket.status, ticket.attempts, ticket.alone = "queued", 0, True

    @invariant()
    def the_record_is_as_expected(self) -> None:
        with self.database.reading() as session:
            rows = {row.id: row for row in session.scalars(select(Ticket))}
            answers: dict[int, dict[int, str]] = {}
            for answer in session.scalars(select(Classification)):
                of_ticket = answers.setdefault(answer.ticket_id, {})
                assert answer.round not in of_ticket, "two answers in a round"
                of_ticket[answer.round] = answer.unit_code
            decisions: dict[int, list[tuple[int, str, str | None, str | None]]] = {}
            for row in session.scalars(select(Correction).order_by(Correction.id)):
                made = (row.round, row.how, row.from_unit, row.to_unit)
                decisions.setdefault(row.ticket_id, []).append(made)
            queued = claims.still_queued(session, list(rows))
            has_alone = claims.has_solo(session)
        assert rows.keys() == self.expected.tickets.keys()
        for ticket in self.expected.tickets.values():
            row = rows[ticket.id]
            assert _state(row) == (
                ticket.status,
                ticket.round,
                ticket.unit,
                ticket.attempts,
                ticket.alone,
                ticket.token,
                ticket.worker,
            ), ticket
            assert (row.dead_reason is not None) == (ticket.status == "dead")
            assert row.attempts >= 0
            assert answers.get(ticket.id, {}) == ticket.answers
            assert decisions.get(ticket.id, []) == ticket.decisions
        assert sorted(queued) == sorted(ticket.id for ticket in self.expected.claimable())
        assert has_alone == bool(self.expected.claimable(alone=True))

    def teardown(self) -> None:
        """Whatever happened: with one worker and a relay, all that waits gets done."""
        try:
            for worker in WORKERS:
                self.dead.add(worker)
                self._start(worker)
            for _ in range(2 * len(self.expected.tickets) + 2):
                if not self.expected.claimable():
                    break
                self.sweep()
                for lane in LANES:
                    self.work_off(lane)
            self.the_record_is_as_expected()
            assert not [t for t in self.expected.tickets.values() if t.status == "queued"]
        finally:
            self.database.engine.dispose()


def _state(row: Ticket) -> tuple[object, ...]:
    return (
        row.status,
        row.round,
        row.unit_code,
        row.attempts,
        row.solo,
        row.claim_token,
        row.claimed_by,
    )
