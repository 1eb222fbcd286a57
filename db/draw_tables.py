"""The tables of draws: which disagreements of two versions people are asked about, unseen."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from db import clock
from db.models import Base
from db.types import BigId, UtcDateTime


class Draw(Base):
    """Recent tickets that a run's version and the champion answer differently, drawn at random."""

    __tablename__ = "draws"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(BigId, ForeignKey("runs.id"))  # it made the challenger
    champion: Mapped[str] = mapped_column(String(100), ForeignKey("model_versions.name"))
    share: Mapped[float]  # of recent tickets, near-duplicates counted once, that they differ on
    # The run that judged by its answers: from then on it asks nobody.
    judged_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("runs.id"))
    drawn_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())


class DrawnTicket(Base):
    """A ticket of a draw, and what a person said who saw no suggestion."""

    __tablename__ = "drawn_tickets"
    __table_args__ = (Index("ix_drawn_tickets_ticket_id", "ticket_id"),)

    draw_id: Mapped[int] = mapped_column(BigId, ForeignKey("draws.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"), primary_key=True)
    unit_code: Mapped[str | None] = mapped_column(String(100), ForeignKey("units.code"))
    actor: Mapped[str | None] = mapped_column(String(200))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
