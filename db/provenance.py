"""Where a decision comes from: why a person was asked, what was shown, and how likely it was.

What people decided is no random part of the stream: most of it came before them because a model
doubted. Whoever estimates something from decisions weighs each by the inverse of its inclusion
probability (Horvitz & Thompson, "A generalization of sampling without replacement", JASA 1952).
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Classification, Ticket


class Asked(StrEnum):
    """Why a person was asked. Every value that ``corrections.asked`` can have stands here."""

    # Reasons for which a model holds its answer back (``classifier.interface.HeldBack``).
    DOUBTFUL = "doubtful"
    UNLEARNED = "unlearned"
    NO_UNIT = "no_unit"
    # The model would have answered with a unit that was retired or split (``db.standing``).
    GONE = "gone"
    # A sure answer of the blind sample.
    SAMPLE = "sample"
    # A decided ticket, once more, and without the first decision.
    SECOND_OPINION = "second_opinion"
    # Units returned the ticket, and no model answered it again.
    RETURNED = "returned"
    # A routed ticket that two versions answer differently (``db.draws``).
    DISAGREEMENT = "disagreement"
    # Nobody was asked: somebody came upon a ticket that was routed, or that no model had answered.
    ROUTED = "routed"
    UNANSWERED = "unanswered"
    # Out of a file that has more than what a model held back.
    FILE = "file"
    # A whole list was confirmed at once.
    BULK = "bulk"


BLIND = frozenset({Asked.SAMPLE, Asked.SECOND_OPINION, Asked.DISAGREEMENT})
"""Here no unit is suggested: a suggestion would be repeated."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a decision comes from.

    Parameters:
        asked: why a person was asked.
        shown_unit: code of the unit that was suggested; None where it was blind, or is not known.
        model_version: whose answer stood when it was decided; None where none did.
        inclusion: the chance with which such a ticket comes before a person, over 0 to 1; None
            where it is not known.
    """

    asked: Asked
    shown_unit: str | None
    model_version: str | None
    inclusion: float | None


def find_answer(session: Session, ticket: Ticket) -> Classification | None:
    """Return the newest answer to a ticket in its present round."""
    return session.scalar(
        select(Classification)
        .where(Classification.ticket_id == ticket.id, Classification.round == ticket.round)
        .order_by(Classification.classified_at.desc(), Classification.id.desc())
        .limit(1)
    )


def provenance_of(
    answer: Classification | None,
    asked: Asked | None = None,
    *,
    blind: bool = False,
    listed: bool = False,
) -> Provenance:
    """Return where a decision comes from.

    In a later round the chance is not known: there comes what a unit returned, so what the model
    had wrong.

    Args:
        answer: the newest one to the ticket in its round.
        asked: why a person was asked; None for what the answer says. ``FILE`` stands only where
            the answer was not held back: else that is why there is a file.
        blind: whether no answer was shown, whatever the reason.
        listed: whether it stands in a list whose other rows were confirmed at once. Then ``FILE``
            stands: that this row counts for more than those hangs on the model's being wrong.
    """
    why = Asked(answer.held_back) if answer is not None and answer.held_back else None
    if asked is None:
        asked = why or (Asked.UNANSWERED if answer is None else Asked.ROUTED)
    elif asked is Asked.FILE and not listed:
        asked = why or asked
    if answer is None:
        return Provenance(asked, None, None, None)
    is_shown = not blind and asked not in BLIND and asked is not Asked.FILE
    return Provenance(
        asked,
        answer.unit_code if is_shown else None,
        answer.model_version,
        answer.inclusion if asked is why and answer.round == 0 else None,
    )
