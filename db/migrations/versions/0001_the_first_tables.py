"""the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import db.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Corrections are what people decided: no later step may change or remove them.
_APPEND_ONLY = {
    "sqlite": [
        f"""CREATE TRIGGER corrections_no_{verb.lower()} BEFORE {verb} ON corrections
        BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END"""
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """CREATE FUNCTION corrections_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'corrections are append-only'; END $$""",
        """CREATE TRIGGER corrections_append_only BEFORE UPDATE OR DELETE ON corrections
        FOR EACH ROW EXECUTE FUNCTION corrections_append_only()""",
    ],
}


def upgrade() -> None:
    op.create_table(
        "model_versions",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "metrics",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_model_versions")),
    )
    op.create_table(
        "units",
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("responsibilities", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("merged_into", sa.String(length=100), nullable=True),
        sa.Column("taxonomy_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'retired', 'merged')", name=op.f("ck_units_status")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["units.code"], name=op.f("fk_units_merged_into_units")
        ),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["units.code"], name=op.f("fk_units_parent_code_units")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_units")),
        sa.UniqueConstraint("name", name=op.f("uq_units_name")),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.Column("model_version", sa.String(length=100), nullable=True),
        sa.Column("classified", sa.Integer(), nullable=False),
        sa.Column("started_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("progress_at", db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", db.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "alias_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("alias", sa.String(length=50), nullable=False),
        sa.Column("model_version", sa.String(length=100), nullable=False),
        sa.Column(
            "previous_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("moved_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version"],
            ["model_versions.name"],
            name=op.f("fk_alias_moves_model_version_model_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["alias_moves.id"], name=op.f("fk_alias_moves_previous_id_alias_moves")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alias_moves")),
    )
    op.create_index("ix_alias_moves_alias", "alias_moves", ["alias", "id"], unique=False)

    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("received_at", db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", db.types.Deadline(timezone=True), nullable=False),
        sa.Column("district", sa.String(length=200), nullable=True),
        sa.Column(
            "meta",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("given_unit", sa.String(length=200), nullable=True),
        sa.Column("estimated_tokens", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("unit_code", sa.String(length=100), nullable=True),
        sa.Column("decided_at", db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("dead_reason", sa.Text(), nullable=True),
        sa.Column("queued_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("solo", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("claim_token", sa.String(length=32), nullable=True),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.Column("claimed_until", db.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("lane IN ('live', 'bulk')", name=op.f("ck_tickets_lane")),
        sa.CheckConstraint(
            "status IN ('queued', 'routed', 'review', 'dead')", name=op.f("ck_tickets_status")
        ),
        sa.CheckConstraint("priority BETWEEN 1 AND 5", name=op.f("ck_tickets_priority")),
        sa.ForeignKeyConstraint(
            ["unit_code"], ["units.code"], name=op.f("fk_tickets_unit_code_units")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_tickets_source_external_id")),
    )
    op.create_index(
        "ix_tickets_claimable",
        "tickets",
        ["lane", "solo", "priority", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'queued' AND claim_token IS NULL"),
        postgresql_where=sa.text("status = 'queued' AND claim_token IS NULL"),
    )
    op.create_index(
        "ix_tickets_claimed",
        "tickets",
        ["claimed_by", "claimed_until"],
        unique=False,
        sqlite_where=sa.text("claim_token IS NOT NULL"),
        postgresql_where=sa.text("claim_token IS NOT NULL"),
    )
    op.create_index("ix_tickets_status", "tickets", ["status", "lane"], unique=False)

    op.create_table(
        "classifications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("model_version", sa.String(length=100), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=100), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column(
            "top_k",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("held_back", sa.String(length=20), nullable=True),
        sa.Column("degraded", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("classified_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version"],
            ["model_versions.name"],
            name=op.f("fk_classifications_model_version_model_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_classifications_ticket_id_tickets")
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"], ["units.code"], name=op.f("fk_classifications_unit_code_units")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classifications")),
        sa.UniqueConstraint(
            "ticket_id",
            "model_version",
            "round",
            name=op.f("uq_classifications_ticket_id_model_version_round"),
        ),
    )
    op.create_index(
        "ix_classifications_classified_at", "classifications", ["classified_at"], unique=False
    )

    op.create_table(
        "corrections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("from_unit", sa.String(length=100), nullable=True),
        sa.Column("to_unit", sa.String(length=100), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("corrected_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["from_unit"], ["units.code"], name=op.f("fk_corrections_from_unit_units")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_corrections_ticket_id_tickets")
        ),
        sa.ForeignKeyConstraint(
            ["to_unit"], ["units.code"], name=op.f("fk_corrections_to_unit_units")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_ticket_id", "corrections", ["ticket_id", "id"], unique=False)

    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("happened_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=True),
        sa.Column(
            "data",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_events_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_kind", "events", ["kind", "id"], unique=False)
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_events_kind", "events")

    op.drop_table("events")
    op.drop_index("ix_corrections_ticket_id", "corrections")

    op.drop_table("corrections")
    op.drop_index("ix_classifications_classified_at", "classifications")

    op.drop_table("classifications")
    op.drop_index("ix_tickets_status", "tickets")
    op.drop_index("ix_tickets_claimed", "tickets")
    op.drop_index("ix_tickets_claimable", "tickets")

    op.drop_table("tickets")
    op.drop_index("ix_alias_moves_alias", "alias_moves")

    op.drop_table("alias_moves")
    op.drop_table("workers")
    op.drop_table("units")
    op.drop_table("model_versions")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION corrections_append_only()")
