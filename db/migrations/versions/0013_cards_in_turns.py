"""cards in turns."""

import sqlalchemy as sa
from alembic import op

from db.types import BigId

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Note for which run a device is let go of, and by which workers."""
    op.add_column(
        "runs", sa.Column("takes_card", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("workers", sa.Column("lent_to", BigId, nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("workers", "lent_to")
    op.drop_column("runs", "takes_card")
