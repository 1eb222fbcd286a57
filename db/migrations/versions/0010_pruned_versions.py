"""pruned versions."""

import sqlalchemy as sa
from alembic import op

from db.types import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to each version when its files were removed."""
    op.add_column("model_versions", sa.Column("pruned_at", UtcDateTime()))


def downgrade() -> None:
    """Take it away again; the rows stay."""
    op.drop_column("model_versions", "pruned_at")
