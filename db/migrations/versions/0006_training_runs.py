"""training runs and their curves."""

import sqlalchemy as sa
from alembic import op

from db.types import BigId, Json, UtcDateTime

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

_RUNNING = sa.text("state = 'running'")


def upgrade() -> None:
    """Add the runs and the points of their curves."""
    op.create_table(
        "runs",
        *_wish_columns(),
        *_lease_columns(),
        *_outcome_columns(),
        sa.CheckConstraint("kind IN ('linear', 'llm')", name=op.f("ck_runs_kind")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'refused', 'failed', 'cancelled')",
            name=op.f("ck_runs_state"),
        ),
        sa.CheckConstraint(
            "asked_for IN ('hand', 'decisions', 'schedule')", name=op.f("ck_runs_asked_for")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_state", "runs", ["state", "id"])
    op.create_index(
        "uq_runs_device",
        "runs",
        ["device"],
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    _create_points()


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("run_points")
    op.drop_table("runs")


def _wish_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_for", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("newest_decision", BigId, nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
    ]


def _lease_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("device", sa.String(length=200), nullable=True),
        sa.Column("lease_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(length=200), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
    ]


def _outcome_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("checkpoint_step", sa.Integer(), nullable=True),
        sa.Column("checkpoint_dir", sa.Text(), nullable=True),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("snapshot_sha256", sa.String(length=64), nullable=True),
        sa.Column("version", sa.String(length=100), nullable=True),
        sa.Column("verdict", Json, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
    ]


def _create_points() -> None:
    op.create_table(
        "run_points",
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        *(
            sa.Column(name, sa.Double(), nullable=True)
            for name in ("loss", "learning_rate", "grad_norm", "tickets_per_s", "validation")
        ),
        sa.Column("gpu_memory", BigId, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_points_run_id_runs")),
        sa.PrimaryKeyConstraint("run_id", "step", name=op.f("pk_run_points")),
    )
