"""The shadow: a version that answers a share of the tickets beside the champion, unseen.

Its answers stand in a table of their own. No ticket takes its unit from them, no count has them,
and no export. Tickets are drawn by their ids, whatever the champion answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.orm import Session

from core.errors import ModelVersionError
from db import clock, events, versions
from db.claims import ClaimedTicket
from db.models import AliasMove, Classification, Ticket
from db.shadow_tables import ShadowAnswer, ShadowMove
from db.upsert import insert_for

# A multiplicative hash (Knuth, TAOCP 3, 6.4) that both databases compute alike.
_FACTOR, _MODULUS = 7_919, 10_007
# Tickets answered longer ago are not asked: the look for them would read more and more rows.
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Shadow:
    """What is in the shadow.

    Parameters:
        version: its name.
        share: of the tickets that it answers, 0 to 1.
        since: tickets that the champion answered from then on.
    """

    version: str
    share: float
    since: datetime


@dataclass(frozen=True, slots=True)
class ShadowResult:
    """An answer out of the shadow."""

    ticket_id: int
    round: int
    unit: str
    probability: float
    held_back: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a version in the shadow answered beside the champions.

    Parameters:
        asked: tickets.
        answered: those with an answer.
        agreed: those with the champion's.
    """

    asked: int
    answered: int
    agreed: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A ticket that champion and shadow answer differently."""

    ticket_id: int
    source: str
    external_id: str
    champion: str
    champion_unit: str
    shadow_unit: str
    shadow_probability: float
    decided_unit: str | None


def start(session: Session, version: str, share: float, *, actor: str) -> None:
    """Let a version answer a share of the tickets in the shadow; another one leaves it.

    Raises:
        ModelVersionError: there is no such version, it was pruned, or it is the champion.
    """
    versions.present_version(session, version, lock=True)
    if version == versions.champion(session):
        raise ModelVersionError(
            f"model version {version} is the champion: it answers all tickets already"
        )
    _move(session, version, share, actor)


def stop(session: Session, *, actor: str) -> str | None:
    """Empty the shadow and return the version that left it; None where there was none."""
    newest = _newest(session)
    if newest is None or newest.model_version is None:
        return None
    _move(session, None, 0.0, actor)
    return newest.model_version


def current(session: Session) -> Shadow | None:
    """Return what is in the shadow; a version that became champion has left it for good."""
    newest = _newest(session)
    if newest is None or newest.model_version is None:
        return None
    version = newest.model_version
    promoted = AliasMove.model_version == version, AliasMove.moved_at >= newest.moved_at
    if version == versions.champion(session) or session.scalar(
        select(AliasMove.id).where(*promoted).limit(1)
    ):
        return None
    return Shadow(version, newest.share, newest.moved_at)


def is_due(session: Session) -> bool:
    """Whether a version is in the shadow and a ticket waits for it."""
    shadow = current(session)
    return shadow is not None and session.scalar(_due(shadow).limit(1)) is not None


def take(session: Session, shadow: Shadow, limit: int) -> list[ClaimedTicket]:
    """Return tickets to answer in the shadow, and note that they are asked.

    What another worker took at the same time is left to it.

    Args:
        session: a writing session. It is committed before the model is asked, so a ticket that
            kills the process does so once.
        shadow: what is in the shadow.
        limit: tickets at most.
    """
    rows = session.execute(_due(shadow).order_by(Classification.id).limit(limit)).all()
    if not rows:
        return []
    asked = [
        {
            "ticket_id": ticket.id,
            "round": answer.round,
            "model_version": shadow.version,
            "champion": answer.model_version,
            "champion_unit": answer.unit_code,
        }
        for answer, ticket in rows
    ]
    noted = insert_for(session, ShadowAnswer).values(asked).on_conflict_do_nothing()
    mine = set(session.scalars(noted.returning(ShadowAnswer.ticket_id)))
    return [
        ClaimedTicket(t.id, t.title, t.text, answer.round, t.estimated_tokens, t.lane)
        for answer, t in rows
        if t.id in mine
    ]


def store(session: Session, version: str, results: Sequence[ShadowResult]) -> None:
    """Store answers to tickets that were taken."""
    for one in results:
        session.execute(
            update(ShadowAnswer)
            .where(
                ShadowAnswer.ticket_id == one.ticket_id,
                ShadowAnswer.round == one.round,
                ShadowAnswer.model_version == version,
            )
            .values(unit_code=one.unit, probability=one.probability, held_back=one.held_back)
        )


def agreement(session: Session, version: str) -> Agreement:
    """Return how often a version answered as the champions did."""
    own = ShadowAnswer.model_version == version
    agreed = ShadowAnswer.unit_code == ShadowAnswer.champion_unit
    return Agreement(*(_count(session, own, *more) for more in ((), (_ANSWERED,), (agreed,))))


def disagreements(session: Session, version: str) -> list[Disagreement]:
    """Return the tickets that a version and the champion answered differently, oldest first."""
    query = (
        select(ShadowAnswer, Ticket)
        .join(Ticket, Ticket.id == ShadowAnswer.ticket_id)
        .where(
            ShadowAnswer.model_version == version,
            _ANSWERED,
            ShadowAnswer.unit_code != ShadowAnswer.champion_unit,
        )
        .order_by(ShadowAnswer.id)
    )
    return [
        Disagreement(
            ticket.id,
            ticket.source,
            ticket.external_id,
            answer.champion,
            answer.champion_unit,
            str(answer.unit_code),
            float(answer.probability or 0),
            ticket.unit_code,
        )
        for answer, ticket in session.execute(query)
    ]


_ANSWERED: ColumnElement[bool] = ShadowAnswer.unit_code.is_not(None)


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(ShadowAnswer).where(*conditions)) or 0


def _due(shadow: Shadow) -> Select[Classification, Ticket]:
    """Return the champion's answers to drawn tickets that have none out of the shadow yet."""
    drawn = (Ticket.id * _FACTOR) % _MODULUS < shadow.share * _MODULUS
    asked = and_(
        ShadowAnswer.ticket_id == Classification.ticket_id,
        ShadowAnswer.round == Classification.round,
        ShadowAnswer.model_version == shadow.version,
    )
    return (
        select(Classification, Ticket)
        .join(Ticket, Ticket.id == Classification.ticket_id)
        .outerjoin(ShadowAnswer, asked)
        .where(
            ShadowAnswer.id.is_(None),
            Classification.classified_at >= shadow.since,
            Classification.classified_at >= clock.ago(_DAY_S),
            Classification.model_version != shadow.version,
            Classification.degraded.is_(False),
            Ticket.erased_at.is_(None),
            drawn,
        )
    )


def _newest(session: Session) -> ShadowMove | None:
    return session.scalar(select(ShadowMove).order_by(ShadowMove.id.desc()).limit(1))


def _move(session: Session, version: str | None, share: float, actor: str) -> None:
    session.add(ShadowMove(model_version=version, share=share, actor=actor))
    session.flush()
    events.record(session, "model.shadowed", actor=actor, version=version, share=share)
