"""Returns (退单): a unit gives a ticket back, and its next dispatch round begins."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.corrections import RETURN
from db.models import Correction, Status, Ticket
from tests.support.make import utc_now


def return_ticket(session: Session, ticket_id: int, round_: int, *, actor: str) -> bool:
    """Open the next round as the schema means it; return False if the round is over already.

    No function of ``db`` does this yet: a returned ticket has one more round, is queued with all
    its attempts, and the unit that gave it back stands in the correction.
    """
    ticket = session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id, Ticket.round == round_, Ticket.status == Status.ROUTED)
        .with_for_update()
    )
    if ticket is None:
        return False
    session.add(
        Correction(
            ticket_id=ticket.id,
            round=ticket.round,
            from_unit=ticket.unit_code,
            to_unit=None,
            actor=actor,
            how=RETURN,
        )
    )
    ticket.round += 1
    ticket.status = Status.QUEUED
    ticket.unit_code = ticket.decided_at = ticket.dead_reason = None
    ticket.attempts, ticket.solo, ticket.queued_at = 0, False, utc_now()
    session.flush()
    return True
