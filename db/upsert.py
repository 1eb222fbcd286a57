"""Upsert: INSERT … ON CONFLICT, which both databases have, under one name."""

from typing import cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.models import Base


def insert_for(session: Session, table: type[Base]) -> postgresql.Insert:
    """Return the dialect's INSERT; both dialects' have the same ``on_conflict_…`` methods.

    It inserts into the table, not the mapped class: the ORM would leave out values that are None
    and split the rows by the columns that remain.
    """
    into = cast("Table", table.__table__)
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(into)  # type: ignore[return-value]
    return postgresql.insert(into)
