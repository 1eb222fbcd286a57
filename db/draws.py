"""Draws: tickets that people answer without a suggestion, to say which of two versions is better.

One draw asks at a time, the newest, for as long as its champion answers and nobody has judged by
it. A drawn ticket keeps its state and unit: one that is routed stays so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, false, func, select
from sqlalchemy.orm import Session

from db import clock, events, versions
from db.draw_tables import Draw, DrawnTicket
from db.models import Status, Ticket


@dataclass(frozen=True, slots=True)
class Progress:
    """How far people are with a draw.

    Parameters:
        answered: tickets.
        waiting: tickets; erased ones are in neither.
    """

    answered: int
    waiting: int


class RecentTicket(NamedTuple):
    """A ticket out of which disagreements may be drawn."""

    id: int
    title: str | None
    text: str
    submitted_at: datetime


class BlindAnswer(NamedTuple):
    """A drawn ticket that was answered; ``unit`` is the code named, which may be gone by now."""

    title: str | None
    text: str
    unit: str


def enter(
    session: Session, run_id: int, *, champion: str, share: float, tickets: Sequence[int]
) -> None:
    """Ask people about drawn tickets; a draw of before asks no more.

    Args:
        session: a writing session.
        run_id: of the run that made the challenger.
        champion: with which it was compared.
        share: of recent tickets, on which the two differ.
        tickets: their ids.
    """
    draw = Draw(run_id=run_id, champion=champion, share=share)
    session.add(draw)
    session.flush()
    session.add_all(DrawnTicket(draw_id=draw.id, ticket_id=ticket) for ticket in tickets)
    session.flush()
    events.record(session, "draw.entered", run=run_id, champion=champion, drawn=len(tickets))


def open_draw(session: Session) -> Draw | None:
    """Return the draw that asks now."""
    draw = session.scalar(select(Draw).order_by(Draw.id.desc()).limit(1))
    if draw is None or draw.judged_by is not None or draw.champion != versions.champion(session):
        return None
    return draw


def close(session: Session, draw_id: int, *, judged_by: int) -> None:
    """End a draw: a run has judged by its answers."""
    session.get_one(Draw, draw_id).judged_by = judged_by
    session.flush()


def place(session: Session, ticket_id: int) -> DrawnTicket | None:
    """Return a ticket's place in the draw that asks now; None where it was not drawn."""
    mine = select(DrawnTicket).where(DrawnTicket.ticket_id == ticket_id)
    drawn = session.scalar(mine.order_by(DrawnTicket.draw_id.desc()).limit(1))
    draw = open_draw(session) if drawn is not None else None
    return drawn if drawn is not None and draw and drawn.draw_id == draw.id else None


def waiting(session: Session, ticket_id: int) -> DrawnTicket | None:
    """Return a ticket's place in the draw that asks now, if nobody has answered it there."""
    drawn = place(session, ticket_id)
    return drawn if drawn is not None and drawn.unit_code is None else None


def answer(session: Session, drawn: DrawnTicket, unit: str, *, actor: str) -> None:
    """Keep what a person said of a drawn ticket without a suggestion."""
    drawn.unit_code, drawn.actor, drawn.answered_at = unit, actor, clock.now()
    session.flush()


def is_waiting(session: Session) -> ColumnElement[bool]:
    """Return the condition that a row of ``tickets`` waits to be answered unseen."""
    draw = open_draw(session)
    if draw is None:
        return false()
    mine = exists().where(
        DrawnTicket.draw_id == draw.id,
        DrawnTicket.ticket_id == Ticket.id,
        DrawnTicket.unit_code.is_(None),
    )
    return and_(mine, Ticket.erased_at.is_(None))


def count_waiting(session: Session) -> int:
    """Return how many tickets wait to be answered unseen."""
    draw = open_draw(session)
    return progress(session, draw).waiting if draw else 0


def progress(session: Session, draw: Draw) -> Progress:
    """Return how many tickets of a draw are answered, and how many are not."""
    counts = (
        select(func.count(DrawnTicket.unit_code), func.count())
        .join(Ticket, Ticket.id == DrawnTicket.ticket_id)
        .where(DrawnTicket.draw_id == draw.id, Ticket.erased_at.is_(None))
    )
    answered, drawn = session.execute(counts).one()
    return Progress(answered, drawn - answered)


def answers(session: Session, draw: Draw) -> list[BlindAnswer]:
    """Return what people said of a draw's tickets, in the order of their ids."""
    query = (
        select(Ticket.title, Ticket.text, DrawnTicket.unit_code)
        .join(DrawnTicket, DrawnTicket.ticket_id == Ticket.id)
        .where(
            DrawnTicket.draw_id == draw.id,
            DrawnTicket.unit_code.is_not(None),
            Ticket.erased_at.is_(None),
        )
        .order_by(Ticket.id)
    )
    return [BlindAnswer(title, text, str(unit)) for title, text, unit in session.execute(query)]


def recent_tickets(session: Session, limit: int) -> list[RecentTicket]:
    """Return the newest tickets that a model or a person has answered, the newest first."""
    query = (
        select(Ticket.id, Ticket.title, Ticket.text, Ticket.submitted_at)
        .where(
            # As an expression: the index on the status would be sorted by id.
            Ticket.status.concat("").in_((Status.ROUTED, Status.REVIEW)),
            Ticket.erased_at.is_(None),
        )
        .order_by(Ticket.id.desc())
        .limit(limit)
    )
    return [RecentTicket(*row) for row in session.execute(query)]
