"""Returns (退单): a unit gives a ticket back, and its next dispatch round begins."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import returns
from db.models import Status, Ticket

REASON = "不属本单位职责"


def return_ticket(session: Session, ticket_id: int, round_: int, *, actor: str) -> bool:
    """Let the unit of a ticket return it; False if the round is over, or it did so before."""
    ticket = session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id, Ticket.round == round_, Ticket.status == Status.ROUTED)
        .with_for_update()
    )
    if ticket is None or ticket.unit_code is None:
        return False
    done = returns.return_ticket(session, ticket, ticket.unit_code, REASON, actor=actor)
    return done.status is not None
