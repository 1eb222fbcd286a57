"""Entries that no database takes: each alone is a reject, and a database that fails makes none."""

from typing import Any

import pytest
from sqlalchemy import text

from core.errors import RecordRefusedError
from db import Database
from producer.stream.ingest import Ingest
from tests.support.streams import TicketStream, rows


def refuse(database: Database, condition: str) -> None:
    """Let the database refuse rows for their own sake."""
    statement = f"ALTER TABLE tickets ADD CONSTRAINT poison CHECK (NOT ({condition}))"
    if database.engine.dialect.name == "sqlite":
        condition = condition.replace("external_id", "NEW.external_id")
        statement = (
            f"CREATE TRIGGER poison BEFORE INSERT ON tickets WHEN {condition}"
            " BEGIN SELECT RAISE(ABORT, 'poison'); END"
        )
    with database.writing() as session:
        session.execute(text(statement))


def test_an_entry_that_the_database_refuses_takes_no_other_with_it(
    ingest: Ingest, stream: TicketStream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(database, "external_id IN ('3', '7')")
    for number in range(9):
        stream.add(external_id=str(number), text="张三家漏水")

    assert ingest.take_batch(0) == 9

    assert sorted(rows(database)) == list("0124568")
    rejects = stream.rejects()
    assert [reject["external_id"] for reject in rejects] == ["3", "7"]
    assert all(r["rejected_reason"].startswith("entry: the database refuses") for r in rejects)
    assert "张三" not in caplog.text + "".join(r["rejected_reason"] for r in rejects)


def test_a_database_that_refuses_every_ticket_makes_no_rejects(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    refuse(database, "external_id <> ''")
    for number in range(9):
        stream.add(external_id=str(number), text="漏水")

    with pytest.raises(RecordRefusedError):
        ingest.take_batch(0)

    assert (stream.left(), stream.rejects()) == ((9, 9), [])
    undo: Any = "DROP TRIGGER poison"
    if database.engine.dialect.name == "postgresql":
        undo = "ALTER TABLE tickets DROP CONSTRAINT poison"
    with database.writing() as session:
        session.execute(text(undo))
    assert ingest.take_batch(0) == 9  # at once: the batch was held
    assert len(rows(database)) == 9
