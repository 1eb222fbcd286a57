"""What people decided, as training data."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.text import model_text
from db import taxonomy
from db.models import Correction, Ticket
from training.samples import Sample


def corrected_samples(session: Session) -> list[Sample]:
    """Return a sample for each ticket that people decided, with their latest word.

    A unit that was renamed or merged since stands under its present code; a ticket whose unit is
    gone without a successor, that a unit returned last, or that was erased, teaches nothing and is
    left out.
    """
    latest = select(func.max(Correction.id)).group_by(Correction.ticket_id)
    rows = session.execute(
        select(Ticket.title, Ticket.text, Correction.to_unit)
        .join(Correction, Correction.ticket_id == Ticket.id)
        .where(
            Correction.id.in_(latest),
            Correction.to_unit.is_not(None),
            Ticket.erased_at.is_(None),
        )
        .order_by(Ticket.id)
    ).all()
    codes = taxonomy.resolve(session, {row.to_unit for row in rows}, alike=False)
    return [
        Sample(model_text(title, text), codes[unit]) for title, text, unit in rows if unit in codes
    ]
