"""conformal sets."""

import sqlalchemy as sa
from alembic import op

from db.types import Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give answers the units among which the right one is."""
    op.add_column("classifications", sa.Column("sets", Json, nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("classifications", "sets")
