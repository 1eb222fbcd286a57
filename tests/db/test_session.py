"""Transactions: what a block wrote is there after it, or nothing of it."""

from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import DatabaseUnavailableError, SettingsError
from db import Database
from tests.support.make import add_tickets, add_units


def count(database: Database, table: str = "units") -> object:
    with database.reading() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table}"))


def test_a_block_that_raises_writes_nothing(database: Database) -> None:
    add_units(database)

    def fail() -> None:
        with database.writing() as session:
            session.execute(text("DELETE FROM units"))
            {}["missing"]

    with pytest.raises(KeyError):
        fail()
    assert count(database) == 3


def test_what_a_reader_writes_is_rolled_back(database: Database) -> None:
    add_units(database)

    with database.reading() as session:
        session.execute(text("DELETE FROM units"))

    assert count(database) == 3


def test_a_writer_has_sqlites_lock_from_its_first_statement_on(tmp_path: Path) -> None:
    # So two that read and then write take turns, where one of them would fail
    url = f"sqlite:///{tmp_path / 'x.db'}"
    first, second = Database(url), Database(url)
    with second.engine.connect() as connection:  # the pool's only one
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")

    with first.writing() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(DatabaseUnavailableError, match="locked"):
            only_read(second)
    only_read(second)


def only_read(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("SELECT 1"))


def test_a_url_is_shown_without_its_password(tmp_path: Path) -> None:
    assert Database("postgresql://u:hunter2@h/d").shown_url == "postgresql+psycopg://u:***@h/d"
    path = tmp_path / "热线 #1.db"
    assert Database(f"sqlite:///{path}").shown_url == f"sqlite:///{path}"


def test_a_url_of_another_database_is_refused_by_its_setting() -> None:
    with pytest.raises(SettingsError, match="PAIDAN_DATABASE_URL: it names 'mysql'"):
        Database("mysql://u:hunter2@h/d")


def test_sqlites_log_is_emptied_of_what_was_written(database: Database) -> None:
    add_tickets(database, 3)
    is_sqlite = database.engine.dialect.name == "sqlite"

    assert database.forget_log() is is_sqlite

    if is_sqlite:
        log = Path(f"{database.url.database}-wal")
        assert log.stat().st_size == 0
