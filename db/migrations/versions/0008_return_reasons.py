"""why units returned tickets."""

import sqlalchemy as sa
from alembic import op

from db.types import BigId

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the reasons, beside the corrections that nothing changes."""
    op.create_table(
        "return_reasons",
        sa.Column("correction_id", BigId, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"],
            ["corrections.id"],
            name=op.f("fk_return_reasons_correction_id_corrections"),
        ),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_return_reasons")),
    )


def downgrade() -> None:
    """Take them away again; the returns stay."""
    op.drop_table("return_reasons")
