"""draws, and runs that judge anew."""

import sqlalchemy as sa
from alembic import op

from db.types import BigId, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add disagreements that people are asked about, and which run another one judges anew."""
    op.add_column("runs", sa.Column("judges", BigId, nullable=True))
    op.create_table(
        "draws",
        sa.Column("id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("champion", sa.String(length=100), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("judged_by", BigId, nullable=True),
        sa.Column("drawn_at", UtcDateTime(timezone=True), nullable=False),
        _reference("draws", "run_id", "runs", "id"),
        _reference("draws", "judged_by", "runs", "id"),
        _reference("draws", "champion", "model_versions", "name"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draws")),
    )
    op.create_table(
        "drawn_tickets",
        sa.Column("draw_id", BigId, nullable=False),
        sa.Column("ticket_id", BigId, nullable=False),
        sa.Column("unit_code", sa.String(length=100), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=True),
        sa.Column("answered_at", UtcDateTime(timezone=True), nullable=True),
        _reference("drawn_tickets", "draw_id", "draws", "id"),
        _reference("drawn_tickets", "ticket_id", "tickets", "id"),
        _reference("drawn_tickets", "unit_code", "units", "code"),
        sa.PrimaryKeyConstraint("draw_id", "ticket_id", name=op.f("pk_drawn_tickets")),
    )
    op.create_index("ix_drawn_tickets_ticket_id", "drawn_tickets", ["ticket_id"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("drawn_tickets")
    op.drop_table("draws")
    op.drop_column("runs", "judges")


def _reference(table: str, column: str, to: str, key: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.{key}"], name=name)
