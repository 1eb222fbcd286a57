"""calibrations made after the training."""

import sqlalchemy as sa
from alembic import op

from db.types import BigId, Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# Classifications name the calibration they were decided by: no later step may change or remove it.
_APPEND_ONLY = {
    "sqlite": [
        f"""CREATE TRIGGER calibrations_no_{verb.lower()} BEFORE {verb} ON calibrations
        BEGIN SELECT RAISE(ABORT, 'calibrations are append-only'); END"""
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """CREATE FUNCTION calibrations_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'calibrations are append-only'; END $$""",
        """CREATE TRIGGER calibrations_append_only BEFORE UPDATE OR DELETE ON calibrations
        FOR EACH ROW EXECUTE FUNCTION calibrations_append_only()""",
    ],
}


def upgrade() -> None:
    """Add the calibrations, and which of them each classification was decided by."""
    op.create_table(
        "calibrations",
        sa.Column("id", BigId, nullable=False),
        sa.Column("model_version", sa.String(length=100), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version"],
            ["model_versions.name"],
            name=op.f("fk_calibrations_model_version_model_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
    )
    _create_moves()
    # Said in full: Alembic would add the reference by a step of its own, which SQLite has not.
    dialect = op.get_context().dialect
    op.execute(
        f"ALTER TABLE classifications ADD COLUMN calibration_id {BigId.compile(dialect)} "
        "CONSTRAINT fk_classifications_calibration_id_calibrations REFERENCES calibrations (id)"
    )
    for statement in _APPEND_ONLY[dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Take them away again; what was decided stays."""
    op.drop_column("classifications", "calibration_id")
    op.drop_table("calibration_moves")
    op.drop_table("calibrations")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION calibrations_append_only()")


def _create_moves() -> None:
    op.create_table(
        "calibration_moves",
        sa.Column("id", BigId, nullable=False),
        sa.Column("model_version", sa.String(length=100), nullable=False),
        sa.Column("calibration_id", BigId, nullable=True),
        sa.Column("previous_id", BigId, nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("moved_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version"],
            ["model_versions.name"],
            name=op.f("fk_calibration_moves_model_version_model_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["calibration_id"],
            ["calibrations.id"],
            name=op.f("fk_calibration_moves_calibration_id_calibrations"),
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"],
            ["calibration_moves.id"],
            name=op.f("fk_calibration_moves_previous_id_calibration_moves"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_moves")),
    )
    op.create_index(
        "ix_calibration_moves_model_version", "calibration_moves", ["model_version", "id"]
    )
