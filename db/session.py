"""Transactions: one ``Database`` a process, on SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from core.database_url import parse_database_url
from core.errors import DatabaseUnavailableError, SettingsError
from db.engine import BEGIN, WRITING, make_engine
from db.faults import explain


class Database:
    """The record. ``reading()`` and ``writing()`` open a session in one transaction.

    Args:
        url: a SQLAlchemy URL, ``sqlite:///…`` or ``postgresql+psycopg://…``.

    Raises:
        SettingsError: the URL cannot be parsed or names another database.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = parse_database_url(url)
        except ValueError as error:
            raise SettingsError(f"PAIDAN_DATABASE_URL: {error}") from error
        self.engine = make_engine(self.url)
        self._writer = self.engine.execution_options(**{BEGIN: WRITING})

    @property
    def shown_url(self) -> str:
        """The URL without its password, for messages; a file's path as it is."""
        if self.url.get_backend_name() == "sqlite":
            return f"sqlite:///{self.url.database}"
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading; it is rolled back at the end."""
        with self.explained(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a session and commit at the end, or roll back if the block raises.

        On SQLite the transaction begins with the write lock (``BEGIN IMMEDIATE``). Of two deferred
        ones that read and then write, one would fail with "database is locked".
        """
        with (
            self.explained(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def forget_log(self) -> bool:
        """Empty SQLite's write-ahead log, which has rows as they were; return whether it is empty.

        While another process reads, it cannot be emptied. A server's log is its operator's.
        """
        if self.engine.dialect.name != "sqlite":
            return False
        with self.explained():
            connection = self.engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                [busy, *_] = cursor.fetchone() or [1]
            finally:
                connection.close()
        return not busy

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the database's errors into errors that a person can act on and that quote no value.

        Raises:
            DatabaseUnavailableError: it is away, locked or not migrated.
            StorageError: its disk is full or read-only.
            RecordRefusedError: it refuses a value.
        """
        try:
            yield
        except PoolTimeoutError as error:  # of the connection pool
            raise DatabaseUnavailableError(f"database {self.shown_url}: {error}") from error
        except StatementError as error:
            raise explain(error, self.shown_url) from error
