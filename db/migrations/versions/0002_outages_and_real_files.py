"""what outages and real files showed."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the models have gained."""


def downgrade() -> None:
    """Take it away again."""
