"""What a database raises becomes an error a person can act on, which quotes no value."""

import io
import logging
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import DatabaseUnavailableError, RecordRefusedError, StorageError
from db import Database, results, tickets
from db.results import Result
from db.schema import migrate
from tests.support.full_disk import files_up_to
from tests.support.make import add_tickets, claim_batch, new_ticket
from tests.support.private import PERSONAL, TEXT, marks_in


def test_what_the_database_refuses_is_told_by_code_even_in_a_foreign_programs_traceback(
    database: Database, told: io.StringIO
) -> None:
    def insert() -> None:
        with database.writing() as session:
            tickets.insert(session, [new_ticket(2, **{**PERSONAL, "lane": TEXT[:9]})])

    def store() -> None:
        add_tickets(database, 1)
        claim = claim_batch(database)
        answer = Result(claim.ids[0], 0, TEXT, 1.0, [(TEXT, 1.0)], None)
        with database.writing() as session:
            results.store(session, claim.token, [answer], version="none")

    def naive() -> None:
        with database.writing() as session:
            bad = new_ticket(3, **PERSONAL)
            tickets.insert(session, [replace(bad, received_at=TEXT)])  # type: ignore[arg-type]

    for refused in (insert, store, naive):
        with pytest.raises((RecordRefusedError, AttributeError)) as caught:
            refused()
        logging.getLogger("theirs").error("failed", exc_info=caught.value)
        assert marks_in("".join(traceback.format_exception(caught.value))) == []
    assert marks_in(told.getvalue()) == []


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/d", DatabaseUnavailableError, "is it running"),
        ("sqlite:////nowhere/x.db", StorageError, "cannot be written"),
    ],
)
def test_a_database_that_is_away_is_named_without_its_password(
    url: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught, Database(url).reading() as session:
        session.execute(text("SELECT 1"))

    assert "hunter2" not in str(caught.value)


def test_a_database_without_tables_is_told_with_the_command_that_makes_them(
    tmp_path: Path,
) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(DatabaseUnavailableError, match="paidan migrate"):
        add_tickets(empty, 1)


def test_a_full_disk_is_told_as_one_before_anything_is_written(tmp_path: Path) -> None:
    full = Database(f"sqlite:///{tmp_path / 'full.db'}")
    migrate(full)
    full.engine.dispose()

    told = r"full\.db cannot be read or written \(disk I/O error\): is its disk full.*Free space"
    with files_up_to(1), pytest.raises(StorageError, match=told):
        add_tickets(full, 1)


def test_nothing_of_a_refused_transaction_is_written(database: Database) -> None:
    refused = pytest.raises(RecordRefusedError, match="nothing of its transaction was written")

    with refused, database.writing() as session:
        tickets.insert(session, [new_ticket(1), new_ticket(2, lane="fast")])

    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM tickets")) == 0
