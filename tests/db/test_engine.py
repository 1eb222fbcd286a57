"""The engine: limits for each transaction, and SQLite's pragmas for each connection."""

from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from db import Database
from db.schema import check_schema, migrate
from tests.support.services import PostgresServer


def test_a_connection_to_sqlite_keeps_what_is_committed_and_no_copy_of_what_is_erased(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")

    with database.reading() as session:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        pragmas = {name: session.scalar(text(f"PRAGMA {name}")) for name in names}

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,  # full
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 10_000,
    }


def test_an_error_of_the_engine_shows_no_parameter(database: Database) -> None:
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text("SELECT :said FROM nowhere"), {"said": "密"})

    assert "密" not in str(caught.value)


@pytest.mark.parametrize("way", ["url", "environment"])
def test_the_users_own_options_hold(
    way: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a schema of the user's, by the URL or by libpq's variable
    url = postgres.create(template=None)
    admin = create_engine(url)
    with admin.begin() as connection:
        connection.execute(text("CREATE SCHEMA hotline"))
    options = "-csearch_path=hotline -c statement-timeout=77s"
    if way == "url":
        given = f"{url}{'&' if '?' in url else '?'}options={quote(options)}"
    else:
        monkeypatch.setenv("PGOPTIONS", options)
        given = url

    # When the tables are made
    database = Database(given)
    migrate(database)

    # Then they lie in it, and of Paidan's limits those stand that the user did not set
    tables = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('tickets', 'workers')"
    with database.reading() as session:
        assert session.scalars(text(tables)).all() == ["hotline"]
        assert session.scalar(text("SHOW statement_timeout")) == "77s"
        assert session.scalar(text("SHOW lock_timeout")) == "5s"
    check_schema(database)
    database.engine.dispose()
    admin.dispose()
    postgres.drop(url)


def test_limits_hold_for_a_transaction_and_nothing_is_told_to_the_servers_session(
    postgres: PostgresServer,
) -> None:
    # As a pooler needs it, which gives each transaction another session
    url = postgres.create()
    database = Database(url)
    limits = (
        "SELECT name, setting FROM pg_settings WHERE name LIKE '%_timeout' AND source = 'session'"
    )

    for _ in range(12):  # psycopg would prepare a statement after five
        with database.writing() as session:
            assert dict(session.execute(text(limits)).all()) == {
                "idle_in_transaction_session_timeout": "60000",
                "lock_timeout": "5000",
                "statement_timeout": "30000",
            }
        with database.reading() as session:  # which holds nobody up while it is idle
            found = dict(session.execute(text(limits)).all())
            assert found["idle_in_transaction_session_timeout"] == "900000"
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        assert "options" not in raw.info.get_parameters()
        assert raw.execute(limits).fetchall() == []
        assert raw.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
    database.engine.dispose()
    postgres.drop(url)
