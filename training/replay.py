"""What people decided, as training data."""

from sqlalchemy.orm import Session

from core.text import model_text
from db import corrections, taxonomy
from training.samples import Sample

SOURCE = "a ticket that people decided"


def corrected_samples(session: Session) -> list[Sample]:
    """Return a sample for each ticket that people decided, with their latest word.

    A unit that was renamed or merged since stands under its present code; a ticket whose unit is
    gone without a successor, that a unit returned last, or that was erased, teaches nothing and is
    left out.
    """
    decided = corrections.decided_tickets(session)
    codes = taxonomy.resolve(session, {ticket.unit for ticket in decided}, alike=False)
    return [
        Sample(model_text(ticket.title, ticket.text), codes[ticket.unit], source=SOURCE)
        for ticket in decided
        if ticket.unit in codes
    ]
