"""The tables of training runs: what was asked for, who is at work on it, how it goes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, column_property, mapped_column

from db import clock
from db.models import Base
from db.types import BigId, Json, UtcDateTime

_NAME = String(200)


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"  # waits for a trainer
    RUNNING = "running"  # a trainer holds its lease
    DONE = "done"  # its version is registered, and promoted where the verdict and settings say so
    REFUSED = "refused"  # its version is registered, and the gate does not let it answer
    FAILED = "failed"  # it made no version; see error
    CANCELLED = "cancelled"  # somebody ended it


# A query must repeat it word by word to be served by the indexes: see ``db.models``.
RUNNING = text("state = 'running'")


class Run(Base):
    """A training run. The lease's columns are set while a trainer is at work on it."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("kind IN ('linear', 'llm')", name="kind"),
        CheckConstraint(
            "state IN ('queued', 'running', 'done', 'refused', 'failed', 'cancelled')",
            name="state",
        ),
        CheckConstraint("asked_for IN ('hand', 'decisions', 'schedule')", name="asked_for"),
        # The surest way to have one training on a device: the database refuses a second.
        Index(
            "uq_runs_device", "device", unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING
        ),
        Index("ix_runs_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=RunState.QUEUED)
    asked_for: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(_NAME)
    parameters: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # The newest decision when it was asked for: the next run counts from here.
    newest_decision: Mapped[int] = mapped_column(BigId)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())

    lease_token: Mapped[str | None] = mapped_column(String(32))
    holder: Mapped[str | None] = mapped_column(_NAME)
    device: Mapped[str | None] = mapped_column(_NAME)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Whether workers let go of the device for it, see ``db.cards``.
    takes_card: Mapped[bool] = mapped_column(default=False, server_default=false())
    cancelled_by: Mapped[str | None] = mapped_column(_NAME)

    attempts: Mapped[int] = mapped_column(default=0)  # how often a trainer began or went on
    # How often it died since its last checkpoint; see ``db.runs``.
    deaths: Mapped[int] = mapped_column(default=0)
    checkpoint_step: Mapped[int | None]
    checkpoint_dir: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    snapshot_sha256: Mapped[str | None] = mapped_column(String(64))
    # The run whose version it judges anew; it trains nothing.
    judges: Mapped[int | None] = mapped_column(BigId)
    # Its version's name; registered (``ModelVersion``) once the run has ended well.
    version: Mapped[str | None] = mapped_column(String(100))
    verdict: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[str | None] = mapped_column(Text)

    # Seconds, told by the database.
    asked_age: Mapped[float] = column_property(clock.age(asked_at))
    ended_age: Mapped[float | None] = column_property(clock.age(ended_at))
    heartbeat_age: Mapped[float | None] = column_property(clock.age(heartbeat_at))


class RunPoint(Base):
    """What a run's curves show at a step."""

    __tablename__ = "run_points"

    run_id: Mapped[int] = mapped_column(BigId, ForeignKey("runs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seconds: Mapped[float]  # of training until then, all attempts together
    loss: Mapped[float | None]
    learning_rate: Mapped[float | None]
    grad_norm: Mapped[float | None]
    gpu_memory: Mapped[int | None] = mapped_column(BigId)  # bytes, the highest so far
    tickets_per_s: Mapped[float | None]
    validation: Mapped[float | None]  # loss on held-out tickets
