"""what outages and real files showed."""

import sqlalchemy as sa
from alembic import op

from db.types import Json, UtcDateTime

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
    _index_for_a_long_backlog()
    op.add_column("tickets", sa.Column("erased_at", UtcDateTime(timezone=True), nullable=True))
    _forget_what_models_said()


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("tickets", "erased_at")
    op.drop_column("workers", "dropped")
    op.drop_column("workers", "stalled_s")
    _index_as_before()


def _forget_what_models_said() -> None:
    """Cut reasons of dead tickets before the error's own text, which may quote a ticket."""
    told = "it cannot be classified: "
    tickets = sa.table("tickets", sa.column("id"), sa.column("dead_reason"))
    events = sa.table("events", sa.column("id"), sa.column("kind"), sa.column("data", Json))
    connection = op.get_bind()
    held = tickets.c.dead_reason.contains(told)
    for row in connection.execute(sa.select(tickets).where(held)).all():
        cut = _without_text(row.dead_reason, told)
        connection.execute(sa.update(tickets).where(tickets.c.id == row.id).values(dead_reason=cut))
    for row in connection.execute(sa.select(events).where(events.c.kind == "ticket.dead")).all():
        if "reason" not in row.data:
            continue
        data = {**row.data, "reason": _without_text(str(row.data["reason"]), told)}
        connection.execute(sa.update(events).where(events.c.id == row.id).values(data=data))


def _without_text(reason: str, told: str) -> str:
    """Return a reason with the type alone of the error behind ``told``."""
    before, sign, error = reason.partition(told)
    return f"{before}{sign}{error.partition(':')[0]}"


def _index_for_a_long_backlog() -> None:
    for name in ("claimable", "claimed", "status"):
        op.drop_index(f"ix_tickets_{name}", "tickets")
    waits = "status = 'queued' AND claim_token IS NULL"
    _partial("claimable", waits, "lane", "solo", "priority", "due_at", "id", "queued_at")
    _partial("lone", f"{waits} AND solo", "lane", "attempts", "id")
    _partial("claimed", "claim_token IS NOT NULL", "claim_token", "claimed_by", "claimed_until")
    _partial("closed", "status <> 'queued'", "status", "lane")


def _index_as_before() -> None:
    for name in ("claimable", "lone", "claimed", "closed"):
        op.drop_index(f"ix_tickets_{name}", "tickets")
    waits = "status = 'queued' AND claim_token IS NULL"
    _partial("claimable", waits, "lane", "solo", "priority", "due_at", "id")
    _partial("claimed", "claim_token IS NOT NULL", "claimed_by", "claimed_until")
    op.create_index("ix_tickets_status", "tickets", ["status", "lane"])


def _partial(name: str, condition: str, *columns: str) -> None:
    where = sa.text(condition)
    op.create_index(
        f"ix_tickets_{name}", "tickets", columns, sqlite_where=where, postgresql_where=where
    )
