"""Corrections: what people decide. Append-only, and never overwritten by a model."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from db import clock, draws, taxonomy
from db.draw_tables import DrawnTicket
from db.models import Classification, Correction, Status, Ticket
from db.provenance import BLIND, Asked, find_answer, provenance_of

CONFIRM, CORRECT, RETURN = "confirm", "correct", "return"
# Who decided if no person did.
MODEL = "model"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a correction did.

    Attributes:
        ticket_id: the ticket.
        from_unit: the unit it had, or the model answered, before.
        how: confirm or correct; None where it changed nothing.
        overruled: the other person whose decision was changed, None where there was none.
    """

    ticket_id: int
    from_unit: str | None
    how: str | None
    overruled: str | None = None


class DecidedTicket(NamedTuple):
    """A ticket that people decided; ``unit`` is the code they named, which may be gone by now."""

    title: str | None
    text: str
    unit: str


def find_ticket(session: Session, source: str, external_id: str) -> Ticket | None:
    """Return a ticket by its external id, locked for the decision."""
    return session.scalar(
        select(Ticket)
        .where(Ticket.source == source, Ticket.external_id == external_id)
        .with_for_update()
    )


def repeats_model(session: Session, ticket: Ticket, unit: str) -> bool:
    """Say whether the model routed the ticket to ``unit`` and no person has decided about it.

    Who names that unit may have examined the ticket, or only copied the model's answer.
    """
    routed = ticket.unit_code
    return (
        routed is not None
        and _last_decision(session, ticket) is None
        and _same(session, routed, unit)
    )


def decide(
    session: Session, ticket: Ticket, unit: str, *, actor: str, asked: Asked | None = None
) -> Outcome:
    """Record a person's decision and route the ticket to ``unit`` (an active unit's code).

    A decision counts in any state of the ticket. A worker's claim on it ends here, so a late answer
    of the model cannot replace the decision. The same decision again changes nothing. A unit and
    the one it was merged into are the same.

    Args:
        session: a writing session.
        ticket: from ``find_ticket``, locked.
        unit: the code.
        actor: who decided.
        asked: why a person was asked; None for what the record says. ``BULK`` counts only for what
            confirms an answer that was shown: who names another unit has looked, and it is a
            ``FILE``. ``DISAGREEMENT``: it was drawn (``draws.waiting``) and shown without any
            answer.
    """
    answer = find_answer(session, ticket)
    drawn = _drawn(session, ticket, asked)
    before = ticket.unit_code or (answer.unit_code if answer else None)
    how = CONFIRM if before is not None and _same(session, before, unit) else CORRECT
    listed = asked is Asked.BULK
    asked = _reason(ticket, answer, asked, how)
    if drawn is not None and not listed:
        draws.answer(session, drawn, unit, actor=actor)
    last = _last_decision(session, ticket)
    if ticket.unit_code is not None and how == CONFIRM and last is not None:
        return Outcome(ticket.id, before, None)
    decision = {"from_unit": before, "to_unit": unit, "actor": actor, "how": how}
    provenance = asdict(provenance_of(answer, asked, blind=drawn is not None, listed=listed))
    session.add(Correction(ticket_id=ticket.id, round=ticket.round, **decision, **provenance))
    _route(ticket, unit)
    session.flush()
    overruled = last.actor if last and last.actor != actor else None
    return Outcome(ticket.id, before, how, overruled)


def _drawn(session: Session, ticket: Ticket, asked: Asked | None) -> DrawnTicket | None:
    """Return the place in a draw of a ticket that is decided by somebody who saw no answer.

    A ticket in review shows none while it waits there. Of a routed one everybody sees the unit,
    but for who is asked blind.
    """
    if ticket.status == Status.REVIEW or asked is Asked.DISAGREEMENT:
        return draws.waiting(session, ticket.id)
    return None


def _reason(
    ticket: Ticket, answer: Classification | None, asked: Asked | None, how: str
) -> Asked | None:
    """Return why a person was asked; None for what the answer says.

    Of a ticket of the blind sample no answer was ever shown: a list that is confirmed at once has
    none to repeat there.
    """
    if ticket.status == Status.REVIEW:
        if answer is None and ticket.round > 0:
            return Asked.RETURNED
        if asked is Asked.DISAGREEMENT:
            return None  # it would have come before a person without being drawn
        if asked is Asked.BULK and answer is not None and answer.held_back in BLIND:
            return None
    if asked is Asked.BULK and how == CORRECT:
        return Asked.FILE
    return asked


def _route(ticket: Ticket, unit: str) -> None:
    ticket.status = Status.ROUTED
    ticket.unit_code = unit
    ticket.decided_at = clock.now()
    ticket.dead_reason = None
    ticket.claim_token = ticket.claimed_by = ticket.claimed_until = None


def decided_tickets(session: Session) -> list[DecidedTicket]:
    """Return the tickets whose latest correction names a unit, in the order of their ids.

    A ticket that a unit returned last, or that was erased, is not among them.
    """
    rows = session.execute(latest_decisions(Ticket.title, Ticket.text, Correction.to_unit))
    return [DecidedTicket(title, text, str(unit)) for title, text, unit in rows]


def latest_decisions(*columns: InstrumentedAttribute[Any]) -> Select[Any]:
    """Return the query for tickets' latest corrections, where these name a unit.

    Erased tickets are left out; the order is that of the tickets' ids.

    Args:
        columns: what to select, of ``Ticket`` and ``Correction``.
    """
    latest = select(func.max(Correction.id)).group_by(Correction.ticket_id)
    return (
        select(*columns)
        .join_from(Ticket, Correction, Correction.ticket_id == Ticket.id)
        .where(
            Correction.id.in_(latest),
            Correction.to_unit.is_not(None),
            Ticket.erased_at.is_(None),
        )
        .order_by(Ticket.id)
    )


def _same(session: Session, before: str, unit: str) -> bool:
    return before == unit or taxonomy.resolve(session, [before]).get(before) == unit


def _last_decision(session: Session, ticket: Ticket) -> Correction | None:
    """Return what a person last decided about the ticket in its present round."""
    query = select(Correction).where(
        Correction.ticket_id == ticket.id,
        Correction.round == ticket.round,
        Correction.how.in_((CONFIRM, CORRECT)),
    )
    return session.scalar(query.order_by(Correction.id.desc()).limit(1))
