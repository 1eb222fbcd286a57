"""the shadow."""

import sqlalchemy as sa
from alembic import op

from db.types import BigId, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_VERSION = sa.String(length=100)


def upgrade() -> None:
    """Add what is in the shadow, and what it answered."""
    op.create_table(
        "shadow_moves",
        sa.Column("id", BigId, nullable=False),
        sa.Column("model_version", _VERSION, nullable=True),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("moved_at", UtcDateTime(timezone=True), nullable=False),
        _reference("shadow_moves", "model_version", "model_versions", "name"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_moves")),
    )
    op.create_table(
        "shadow_answers",
        sa.Column("id", BigId, nullable=False),
        sa.Column("ticket_id", BigId, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("model_version", _VERSION, nullable=False),
        sa.Column("champion", _VERSION, nullable=False),
        sa.Column("champion_unit", sa.String(length=100), nullable=False),
        sa.Column("unit_code", sa.String(length=100), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("held_back", sa.String(length=20), nullable=True),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        _reference("shadow_answers", "ticket_id", "tickets", "id"),
        _reference("shadow_answers", "model_version", "model_versions", "name"),
        _reference("shadow_answers", "champion", "model_versions", "name"),
        _reference("shadow_answers", "champion_unit", "units", "code"),
        _reference("shadow_answers", "unit_code", "units", "code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_answers")),
        sa.UniqueConstraint(
            "ticket_id",
            "round",
            "model_version",
            name=op.f("uq_shadow_answers_ticket_id_round_model_version"),
        ),
    )
    op.create_index("ix_shadow_answers_model_version", "shadow_answers", ["model_version", "id"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("shadow_answers")
    op.drop_table("shadow_moves")


def _reference(table: str, column: str, to: str, key: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.{key}"], name=name)
