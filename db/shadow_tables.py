"""The tables of the shadow: which version answers unseen, and what it answered."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db import clock
from db.models import Base
from db.types import BigId, UtcDateTime


class ShadowMove(Base):
    """A version entered the shadow, or it was emptied (null); the newest row counts."""

    __tablename__ = "shadow_moves"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model_version: Mapped[str | None] = mapped_column(
        String(100), ForeignKey("model_versions.name")
    )
    share: Mapped[float]  # of the tickets that the champion answers
    actor: Mapped[str] = mapped_column(String(200))
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())


class ShadowAnswer(Base):
    """What a version in the shadow answered beside the champion; nobody acts on it.

    The row is written before the model is asked. Without a unit it was asked, and either is asked
    at this moment or died of the ticket: it is not asked again.
    """

    __tablename__ = "shadow_answers"
    __table_args__ = (
        UniqueConstraint("ticket_id", "round", "model_version"),
        Index("ix_shadow_answers_model_version", "model_version", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    round: Mapped[int]
    model_version: Mapped[str] = mapped_column(String(100), ForeignKey("model_versions.name"))
    champion: Mapped[str] = mapped_column(String(100), ForeignKey("model_versions.name"))
    champion_unit: Mapped[str] = mapped_column(String(100), ForeignKey("units.code"))
    unit_code: Mapped[str | None] = mapped_column(String(100), ForeignKey("units.code"))
    probability: Mapped[float | None]
    held_back: Mapped[str | None] = mapped_column(String(20))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())
