"""Erasing a ticket: its text is gone for good, its ids and what was decided stay."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from db import clock, events, returned
from db.models import Event, Status, Ticket

ERASED = "erased"


def erase(session: Session, ticket: Ticket, *, actor: str) -> bool:
    """Erase what a ticket says; return whether there was anything left to erase.

    Emptied are title, text, district, meta, the unit its source named, the content of its events,
    and why units returned it. Its ids stay, so that a producer that sends it again is refused. Its
    unit, times, answers and corrections stay: they name units and people at work, no citizen. A
    ticket that nobody has decided is closed as dead. A worker's claim on it ends here: no late
    answer counts.

    Args:
        session: a writing session; the caller commits it.
        ticket: from ``db.corrections.find_ticket``, locked.
        actor: who erases it, for the record.
    """
    if ticket.erased_at is not None:
        return False
    ticket.title = ticket.district = ticket.given_unit = None
    ticket.text = ""
    ticket.meta = {}
    if ticket.status != Status.ROUTED:
        ticket.status = Status.DEAD
        ticket.dead_reason = ERASED
    ticket.claim_token = ticket.claimed_by = ticket.claimed_until = None
    ticket.erased_at = clock.now()
    session.execute(update(Event).where(Event.ticket_id == ticket.id).values(data={}))
    returned.erase_reasons(session, ticket)
    events.record(session, "ticket.erased", tickets=[ticket.id], actor=actor)
    session.flush()
    return True
