"""The tables. Every change of them comes with an Alembic migration (a test compares the two)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TextClause,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column

from db import clock
from db.types import BigId, Deadline, Json, OptionalJson, UtcDateTime

# Priorities as service desks number them: P1 is the most urgent.
URGENT, ROUTINE, LEAST = 1, 3, 5

_NAME = String(200)
_CODE = String(100)


class Status(StrEnum):
    """Where a ticket stands."""

    QUEUED = "queued"  # waits for a worker, or is claimed by one
    ROUTED = "routed"  # its unit is decided
    REVIEW = "review"  # a person decides: doubtful, or sampled to check the sure ones
    DEAD = "dead"  # its attempts are used up; see dead_reason


class Base(DeclarativeBase):
    """The tables' base. It names every constraint, so that migrations can address it anywhere."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Unit(Base):
    """A handling unit (处办单位); ``taxonomy_version`` is the one in which the row last changed.

    A unit that was split is retired, and ``split_into`` has the codes of its parts.
    """

    __tablename__ = "units"
    __table_args__ = (CheckConstraint("status IN ('active', 'retired', 'merged')", name="status"),)

    code: Mapped[str] = mapped_column(_CODE, primary_key=True)
    name: Mapped[str] = mapped_column(_NAME, unique=True)
    responsibilities: Mapped[str] = mapped_column(Text, default="")
    parent_code: Mapped[str | None] = mapped_column(_CODE, ForeignKey("units.code"))
    status: Mapped[str] = mapped_column(String(10), default="active")
    merged_into: Mapped[str | None] = mapped_column(_CODE, ForeignKey("units.code"))
    split_into: Mapped[list[str] | None] = mapped_column(OptionalJson)
    taxonomy_version: Mapped[int]

    @property
    def successors(self) -> list[str]:
        """Codes of the units that took it over: one after a merge, several after a split."""
        return self.split_into or ([self.merged_into] if self.merged_into else [])


# The conditions of the partial indexes. A query must repeat one word by word to be served by its
# index: SQLite compares the words, and neither database knows what a bound parameter will be.
# CLAIMABLE: a worker may take the ticket. SOLO: it must take it alone.
CLAIMABLE = text("status = 'queued' AND claim_token IS NULL")
SOLO = text(f"{CLAIMABLE.text} AND solo")
CLAIMED = text("claim_token IS NOT NULL")
CLOSED = text("status <> 'queued'")


_CLAIM_ORDER = ("lane", "solo", "priority", "due_at", "id")


def _partial(name: str, condition: TextClause, *columns: str) -> Index:
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


class Ticket(Base):
    """A ticket (工单); its row is its own outbox. Claim columns are set while it is claimed."""

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        CheckConstraint("status IN ('queued', 'routed', 'review', 'dead')", name="status"),
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
        CheckConstraint("lane IN ('live', 'bulk')", name="lane"),
        # All are partial, so each is as short as the tickets of its kind are few. SQLite without
        # statistics would take any full index that begins with a column of the query.
        # The first is in the claim's order; the relay filters by queued_at without the rows.
        _partial("ix_tickets_claimable", CLAIMABLE, *_CLAIM_ORDER, "queued_at"),
        _partial("ix_tickets_lone", SOLO, "lane", "attempts", "id"),
        _partial("ix_tickets_claimed", CLAIMED, "claim_token", "claimed_by", "claimed_until"),
        _partial("ix_tickets_closed", CLOSED, "status", "lane"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(_CODE)
    external_id: Mapped[str] = mapped_column(_NAME)
    title: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())
    lane: Mapped[str] = mapped_column(String(10))
    priority: Mapped[int] = mapped_column(default=ROUTINE)  # 1 is the most urgent, 5 the least
    due_at: Mapped[datetime | None] = mapped_column(Deadline, nullable=False)
    district: Mapped[str | None] = mapped_column(_NAME)
    meta: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # The unit the source names (a label, an operator's choice), as given; no model sees it.
    given_unit: Mapped[str | None] = mapped_column(_NAME)
    estimated_tokens: Mapped[int]

    round: Mapped[int] = mapped_column(default=0)  # dispatch round: +1 when a unit returns it
    status: Mapped[str] = mapped_column(String(10), default=Status.QUEUED)
    unit_code: Mapped[str | None] = mapped_column(_CODE, ForeignKey("units.code"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dead_reason: Mapped[str | None] = mapped_column(Text)

    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())
    attempts: Mapped[int] = mapped_column(default=0)
    # Its last attempt ended in the death of the process: from now on it runs alone.
    solo: Mapped[bool] = mapped_column(default=False, server_default=false())
    claim_token: Mapped[str | None] = mapped_column(String(32))
    claimed_by: Mapped[str | None] = mapped_column(_NAME)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when the row has only its ids, times and what was decided (``db.erasure``).
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ModelVersion(Base):
    """A registered model version: the directory ``models_dir/name``, guarded by its manifest.

    ``pruned_at`` says since when there is the row alone (``db.needed_versions``).
    """

    __tablename__ = "model_versions"

    name: Mapped[str] = mapped_column(_CODE, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())
    pruned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AliasMove(Base):
    """One move of an alias (``champion``); the newest row says where it points.

    ``previous_id`` is the move to which a rollback from here returns, so repeated rollbacks walk
    back through history instead of toggling between two versions.
    """

    __tablename__ = "alias_moves"
    __table_args__ = (Index("ix_alias_moves_alias", "alias", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    alias: Mapped[str] = mapped_column(String(50))
    model_version: Mapped[str] = mapped_column(_CODE, ForeignKey("model_versions.name"))
    previous_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("alias_moves.id"))
    actor: Mapped[str] = mapped_column(_NAME)
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())


class StoredCalibration(Base):
    """A calibration that was made for a version after its training; append-only by triggers.

    ``content`` is a ``classifier.manifest.Calibration``; ``facts`` say what it was measured on.
    """

    __tablename__ = "calibrations"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model_version: Mapped[str] = mapped_column(_CODE, ForeignKey("model_versions.name"))
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    actor: Mapped[str] = mapped_column(_NAME)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())


class CalibrationMove(Base):
    """One change of the calibration by which a version decides; the newest row says which.

    ``calibration_id`` is null for the version's own. ``previous_id`` is the move to which a
    rollback from here returns, as of ``AliasMove``; null: to the version's own.
    """

    __tablename__ = "calibration_moves"
    __table_args__ = (Index("ix_calibration_moves_model_version", "model_version", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model_version: Mapped[str] = mapped_column(_CODE, ForeignKey("model_versions.name"))
    calibration_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("calibrations.id"))
    previous_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("calibration_moves.id"))
    actor: Mapped[str] = mapped_column(_NAME)
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())


class Classification(Base):
    """What a model version answered to a ticket in a dispatch round."""

    __tablename__ = "classifications"
    __table_args__ = (
        UniqueConstraint("ticket_id", "model_version", "round"),
        Index("ix_classifications_classified_at", "classified_at"),  # the rate of the last minute
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    model_version: Mapped[str] = mapped_column(_CODE, ForeignKey("model_versions.name"))
    round: Mapped[int]
    unit_code: Mapped[str] = mapped_column(_CODE, ForeignKey("units.code"))
    probability: Mapped[float]
    top_k: Mapped[list[list[Any]]] = mapped_column(Json)  # [[unit code, probability], …]
    # Conformal sets, {"0.9": [unit code, …], …}; NULL in rows of before there were any.
    sets: Mapped[dict[str, list[str]] | None] = mapped_column(Json)
    held_back: Mapped[str | None] = mapped_column(String(20))  # why a person is asked
    # The chance with which the answer comes before a person; NULL in rows of before it was kept.
    inclusion: Mapped[float | None]
    degraded: Mapped[bool] = mapped_column(default=False, server_default=false())
    # By which calibration it was decided; null for the version's own.
    calibration_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("calibrations.id"))
    classified_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())


class Correction(Base):
    """What a person decided. Append-only: triggers refuse UPDATE and DELETE.

    The last four columns are a ``db.provenance.Provenance``; they are NULL in rows of before these
    were kept, and in returns.
    """

    __tablename__ = "corrections"
    __table_args__ = (Index("ix_corrections_ticket_id", "ticket_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id"))
    round: Mapped[int]
    from_unit: Mapped[str | None] = mapped_column(_CODE, ForeignKey("units.code"))
    to_unit: Mapped[str | None] = mapped_column(_CODE, ForeignKey("units.code"))
    actor: Mapped[str] = mapped_column(_NAME)
    how: Mapped[str] = mapped_column(String(20))  # confirm, correct, return
    corrected_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())
    asked: Mapped[str | None] = mapped_column(String(20))
    shown_unit: Mapped[str | None] = mapped_column(_CODE, ForeignKey("units.code"))
    model_version: Mapped[str | None] = mapped_column(_CODE, ForeignKey("model_versions.name"))
    inclusion: Mapped[float | None]


class Worker(Base):
    """A worker's heartbeat: ``heartbeat_at`` says it lives, ``progress_at`` that it works."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(_NAME, primary_key=True)
    pid: Mapped[int]
    device: Mapped[str] = mapped_column(_NAME)
    model_version: Mapped[str | None] = mapped_column(_CODE)
    classified: Mapped[int] = mapped_column(default=0)  # tickets since started_at
    # Seconds in which messages waited and none came; see worker/watchdog.py.
    stalled_s: Mapped[float] = mapped_column(default=0.0, server_default=text("0"))
    # Messages that were no task, since it started.
    dropped: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    progress_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The training run that has the device to itself, see ``db.cards``.
    lent_to: Mapped[int | None] = mapped_column(BigId)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Seconds, told by the database: the reader's clock may be another.
    heartbeat_age: Mapped[float] = column_property(clock.age(heartbeat_at))


class Event(Base):
    """The audit trail: what happened to tickets, units and models beyond the ordinary way."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_kind", "kind", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now())
    kind: Mapped[str] = mapped_column(String(50))
    ticket_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("tickets.id"))
    actor: Mapped[str | None] = mapped_column(_NAME)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
