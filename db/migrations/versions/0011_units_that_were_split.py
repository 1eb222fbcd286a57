"""units that were split."""

import sqlalchemy as sa
from alembic import op

from db.types import OptionalJson

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the parts of a unit that was split."""
    op.add_column("units", sa.Column("split_into", OptionalJson))


def downgrade() -> None:
    """Take them away again; such a unit is retired."""
    op.drop_column("units", "split_into")
