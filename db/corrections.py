"""Corrections: what people decide. Append-only, and never overwritten by a model."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import clock
from db.models import Classification, Correction, Status, Ticket

CONFIRM, CORRECT, RETURN = "confirm", "correct", "return"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a correction did: ``how`` is confirm or correct, None where it changed nothing."""

    ticket_id: int
    from_unit: str | None
    how: str | None


def find_ticket(session: Session, source: str, external_id: str) -> Ticket | None:
    """Return a ticket by its external id, locked for the decision."""
    return session.scalar(
        select(Ticket)
        .where(Ticket.source == source, Ticket.external_id == external_id)
        .with_for_update()
    )


def decide(session: Session, ticket: Ticket, unit: str, *, actor: str) -> Outcome:
    """Record a person's decision and route the ticket to ``unit`` (an active unit's code).

    It holds whatever the ticket's state: a worker's claim on it ends here, so a late model answer
    cannot replace it. Saying again what was decided changes nothing.
    """
    before = ticket.unit_code or _answered(session, ticket)
    if ticket.unit_code == unit and _decided_by_person(session, ticket):
        return Outcome(ticket.id, before, None)
    how = CONFIRM if before == unit else CORRECT
    session.add(
        Correction(
            ticket_id=ticket.id,
            round=ticket.round,
            from_unit=before,
            to_unit=unit,
            actor=actor,
            how=how,
        )
    )
    ticket.status = Status.ROUTED
    ticket.unit_code = unit
    ticket.decided_at = clock.now()
    ticket.dead_reason = None
    ticket.claim_token = ticket.claimed_by = ticket.claimed_until = None
    session.flush()
    return Outcome(ticket.id, before, how)


def _answered(session: Session, ticket: Ticket) -> str | None:
    """Return the unit the newest model answer of this round names."""
    return session.scalar(
        select(Classification.unit_code)
        .where(Classification.ticket_id == ticket.id, Classification.round == ticket.round)
        .order_by(Classification.classified_at.desc(), Classification.id.desc())
        .limit(1)
    )


def _decided_by_person(session: Session, ticket: Ticket) -> bool:
    query = select(Correction.id).where(
        Correction.ticket_id == ticket.id, Correction.round == ticket.round
    )
    return session.scalar(query.limit(1)) is not None
