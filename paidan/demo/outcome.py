"""What became of the demo's tickets, read from the record."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Classification, Status, Ticket


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many tickets stand where.

    Parameters:
        routed, review, dead: by status.
        lost: tickets without an answer that are not dead.
        accuracy: share of right answers, held back or not.
        coverage: share of answers that are routed without a person.
        routed_error: share of wrong answers among these; None where there are none.
        no_unit: answers that were held back because the ticket seems to belong to no unit.
    """

    routed: int
    review: int
    dead: int
    lost: int
    accuracy: float
    coverage: float
    routed_error: float | None
    no_unit: int


def read_outcome(session: Session, truth: dict[str, str], source: str) -> Outcome:
    """Read from SQL what became of a source's tickets.

    Args:
        session: of the record.
        truth: external id -> code of the right unit, of every ticket that was pushed.
        source: of the tickets.
    """
    by_status = Counter(session.scalars(select(Ticket.status).where(Ticket.source == source)))
    answers = session.execute(
        select(Ticket.external_id, Classification.unit_code, Classification.held_back)
        .join(Classification, Classification.ticket_id == Ticket.id)
        .where(Ticket.source == source)
    ).all()
    answered = {external_id for external_id, _, _ in answers}
    right = [truth[external_id] == unit for external_id, unit, _ in answers]
    held_back = [reason for _, _, reason in answers]
    routed = [ok for ok, reason in zip(right, held_back, strict=True) if reason is None]
    return Outcome(
        routed=by_status[Status.ROUTED],
        review=by_status[Status.REVIEW],
        dead=by_status[Status.DEAD],
        lost=len(truth) - len(answered) - by_status[Status.DEAD],
        accuracy=_share(sum(right), len(right)) or 0.0,
        coverage=_share(len(routed), len(answers)) or 0.0,
        routed_error=_share(routed.count(False), len(routed)),
        no_unit=held_back.count("no_unit"),
    )


def _share(some: int, of: int) -> float | None:
    return round(some / of, 4) if of else None


def answered_by(session: Session, source: str) -> Counter[str]:
    """Return how many tickets of a source each version answered."""
    query = (
        select(Classification.model_version)
        .join(Ticket, Ticket.id == Classification.ticket_id)
        .where(Ticket.source == source)
    )
    return Counter(session.scalars(query))
