"""where decisions come from."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_REFERENCES = (("shown_unit", "units", "code"), ("model_version", "model_versions", "name"))


def upgrade() -> None:
    """Add the chance of each answer to be seen, and to each decision why it was asked."""
    op.add_column("classifications", sa.Column("inclusion", sa.Double()))
    op.add_column("corrections", sa.Column("inclusion", sa.Double()))
    op.add_column("corrections", sa.Column("asked", sa.String(length=20)))
    # Said in full: Alembic would add a reference by a step of its own, which SQLite has not.
    for column, table, key in _REFERENCES:
        op.execute(
            f"ALTER TABLE corrections ADD COLUMN {column} VARCHAR(100) "
            f"CONSTRAINT fk_corrections_{column}_{table} REFERENCES {table} ({key})"
        )


def downgrade() -> None:
    """Take them away again; what was decided stays."""
    for column in ("inclusion", "model_version", "shown_unit", "asked"):
        op.drop_column("corrections", column)
    op.drop_column("classifications", "inclusion")
