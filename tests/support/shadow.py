"""A champion, and a challenger in its shadow."""

from pathlib import Path

from sqlalchemy import select

from db import Database, shadow
from db.shadow_tables import ShadowAnswer
from tests.support.make import promote_constant


def put_in_shadow(database: Database, models_dir: Path, share: float = 1.0) -> tuple[str, str]:
    """Return a champion that answers A, and what answers B in its shadow."""
    challenger = promote_constant(database, models_dir, ("B", "B", "A"))
    champion = promote_constant(database, models_dir)
    with database.writing() as session:
        shadow.start(session, challenger, share, actor="test")
    return champion, challenger


def shadow_answers(database: Database) -> list[tuple[int, str, str | None]]:
    """Ticket, the champion's unit and the shadow's, in the order they were asked."""
    columns = ShadowAnswer.ticket_id, ShadowAnswer.champion_unit, ShadowAnswer.unit_code
    with database.reading() as session:
        rows = session.execute(select(*columns).order_by(ShadowAnswer.id))
        return [tuple(row) for row in rows]
