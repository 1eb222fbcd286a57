"""The blind sample among decided tickets: those that came before a person by chance.

The hash of a ticket's id decides whether it is in the sample (``results.is_sampled``), whatever the
model says. A sampled ticket comes before a person either way: sure answers to it are held back, and
doubtful ones are in review anyhow. So sure and doubtful tickets of the sample together are like
the whole stream, as no other decided tickets are.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from db.corrections import latest_decisions
from db.models import Classification, Correction, Status, Ticket
from db.results import SAMPLED, is_sampled

Chance = Literal["sure", "doubtful", "doubted", "wider", "routed", "unanswered"]
"""How a decided ticket came before a person.

``sure`` and ``doubtful``: it is in the sample, and the model was sure or doubted. The others are
not like the stream. ``doubted``: only because the model doubted; ``wider``: it was in the sample
while its share was larger; ``routed``: the model had routed it, and somebody came upon it;
``unanswered``: it was decided before a model answered.
"""
BY_CHANCE: tuple[Chance, ...] = ("sure", "doubtful")


@dataclass(frozen=True, slots=True)
class Decided:
    """A ticket that a person decided.

    Attributes:
        title: its title.
        text: its text.
        unit: code that the person named, which may be gone by now.
        decided_at: when the latest decision was made.
        chance: how it came before a person.
    """

    title: str | None
    text: str
    unit: str
    decided_at: datetime
    chance: Chance


@dataclass(frozen=True, slots=True)
class BlindSample:
    """What people decided, and what of the sample they did not.

    Attributes:
        decided: all decided tickets, in the order of their ids.
        waiting: tickets of the sample that are in review.
        unseen: tickets of the sample that a model routed, for its share was smaller then.
    """

    decided: Sequence[Decided]
    waiting: int
    unseen: int


def read_sample(session: Session, share: float, since: datetime) -> BlindSample:
    """Return the decided tickets with the chance by which each came before a person.

    Erased tickets are left out, and those that a unit returned last.

    Args:
        session: a session.
        share: of all tickets, in the sample (``PAIDAN_REVIEW_SAMPLE``).
        since: ``waiting`` and ``unseen`` count what was answered since.
    """
    answered = select(Classification.ticket_id).where(Classification.classified_at >= since)
    waiting = answered.join(Ticket, Ticket.id == Classification.ticket_id).where(
        Ticket.status == Status.REVIEW.value
    )
    unseen = answered.where(Classification.held_back.is_(None))
    return BlindSample(
        _decided(session, share),
        waiting=_count_sampled(session, waiting, share),
        unseen=_count_sampled(session, unseen, share),
    )


def count_unseen(session: Session, first: int, last: int) -> int:
    """Return for how many tickets between two ids those stand that chance drew and people decided.

    They are all others that a model was sure of when it first answered: routed, waiting since
    chance drew them, or decided since somebody came upon them, which is mostly where the model was
    wrong. Of disagreements that people answer blind most are sure ones, too.
    """
    sure = exists().where(
        Classification.ticket_id == Ticket.id,
        Classification.round == 0,
        or_(Classification.held_back.is_(None), Classification.held_back == SAMPLED),
    )
    drawn = exists().where(
        Correction.ticket_id == Ticket.id,
        Correction.asked == SAMPLED,
        Correction.inclusion.is_not(None),
    )
    query = select(func.count()).select_from(Ticket)
    return session.scalar(query.where(Ticket.id.between(first, last), sure, ~drawn)) or 0


def _count_sampled(session: Session, ids: Select[int], share: float) -> int:
    return sum(is_sampled(ticket, share) for ticket in session.scalars(ids.distinct()))


def _decided(session: Session, share: float) -> list[Decided]:
    rows = session.execute(
        latest_decisions(
            Ticket.id, Ticket.title, Ticket.text, Correction.to_unit, Correction.corrected_at
        )
    ).all()
    reasons = _reasons(session)
    return [
        Decided(title, text, str(unit), at, _chance(ticket, reasons[ticket], share))
        for ticket, title, text, unit, at in rows
    ]


def _reasons(session: Session) -> dict[int, set[str | None]]:
    """Return why answers to decided tickets were held back, None where one was not."""
    rows = session.execute(
        select(Classification.ticket_id, Classification.held_back).where(
            Classification.ticket_id.in_(select(Correction.ticket_id))
        )
    )
    reasons: dict[int, set[str | None]] = defaultdict(set)
    for ticket, held_back in rows:
        reasons[ticket].add(held_back)
    return reasons


def _chance(ticket: int, reasons: Collection[str | None], share: float) -> Chance:
    if not reasons:
        return "unanswered"
    if None in reasons:
        return "routed"
    if is_sampled(ticket, share):
        return "sure" if SAMPLED in reasons else "doubtful"
    return "wider" if SAMPLED in reasons else "doubted"
