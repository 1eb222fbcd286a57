"""The audit trail: a row for each thing that leaves the ordinary way."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from db.models import Event


def record(
    session: Session,
    kind: str,
    *,
    tickets: list[int] | None = None,
    actor: str | None = None,
    **data: Any,
) -> None:
    """Write an event: one row, or one for each of ``tickets`` (none for an empty list)."""
    targets: list[int | None] = [None] if tickets is None else [*tickets]
    if targets:
        rows = [{"kind": kind, "ticket_id": t, "actor": actor, "data": data} for t in targets]
        session.execute(insert(Event), rows)
