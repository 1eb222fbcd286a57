"""what outages and real files showed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the models have gained."""
    op.add_column(
        "workers", sa.Column("stalled_s", sa.Double(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "workers", sa.Column("dropped", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("workers", "dropped")
    op.drop_column("workers", "stalled_s")
