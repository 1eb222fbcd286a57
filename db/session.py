"""Engines and transactions: one ``Database`` a process, on SQLite or PostgreSQL."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from core.database_url import parse_database_url
from core.errors import DatabaseUnavailableError, SettingsError, StorageError
from core.files import make_private_file, open_private, private_home
from core.settings import Settings
from db.faults import explain

if TYPE_CHECKING:
    from alembic.config import Config

# The newest migration; a test holds it equal to Alembic's head.
SCHEMA_REVISION = "0002"

# Waited twice (to store, to give back) it must leave a task well under its hard limit.
_SQLITE_BUSY_TIMEOUT_MS = 10_000
_CONNECT_TIMEOUT_S = 5
_BEGIN = "paidan_begin"
# A server that is gone without a word is noticed. Times without unit are seconds.
_POSTGRES_CONNECT = {
    "connect_timeout": _CONNECT_TIMEOUT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
    # A pooler such as PgBouncer gives each transaction another session: what one session was told
    # is not known to the next, so nothing is prepared and BEGIN is ours (see _prepare_postgresql).
    "prepare_threshold": None,
    "autocommit": True,
}
# A lock that somebody forgot ends in an error that gives claims back, not in a wait until the task
# is killed.
_POSTGRES_LIMITS = {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}


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
        self.engine = _make_engine(self.url)
        self._writer = self.engine.execution_options(**{_BEGIN: "IMMEDIATE"})

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

        On SQLite the transaction takes the write lock at once (``BEGIN IMMEDIATE``): a deferred one
        that reads and then writes fails with "database is locked" as soon as two processes do it.
        """
        with (
            self.explained(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def check_schema(self) -> None:
        """Check that the database can be reached and is migrated.

        Raises:
            DatabaseUnavailableError: it is not; says how to mend it.
        """
        with self.explained():
            found = self.schema_revision()
        if found != SCHEMA_REVISION:
            state = "has no Paidan tables" if found is None else f"is at revision {found}"
            raise DatabaseUnavailableError(
                f"database {self.shown_url} {state}, this Paidan needs {SCHEMA_REVISION}: "
                "run 'paidan migrate'"
            )

    def schema_revision(self) -> str | None:
        """Return the database's Alembic revision, None where there is none."""
        with self.engine.connect() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)

    def forget_log(self) -> bool:
        """Empty SQLite's write-ahead log, which holds rows as they were; return whether it is.

        It is not while another process reads. A server's log is its operator's.
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
        """Turn what the database raises into errors a person can act on, without any value.

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


def _make_engine(url: URL) -> Engine:
    """Create the engine with the settings of its dialect.

    Parameters are hidden: an error's text must not carry a citizen's message into a log.
    """
    if url.get_backend_name() == "sqlite":
        timeout = {"timeout": _SQLITE_BUSY_TIMEOUT_MS / 1000}
        engine = create_engine(url, hide_parameters=True, connect_args=timeout)
        _prepare_sqlite(engine)
        return engine
    try:
        engine = create_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args=_POSTGRES_CONNECT
        )
    except ModuleNotFoundError as error:
        raise SettingsError(f"PAIDAN_DATABASE_URL: no driver for it here ({error})") from error
    _prepare_postgresql(engine)
    return engine


def _prepare_postgresql(engine: Engine) -> None:
    """Begin each transaction with its limits, in the round trip that BEGIN takes anyway.

    As startup parameters a pooler would refuse them, and set once they would hold for the next
    client of the server's session. What the user set by ``options`` (URL, ``PGOPTIONS``, service
    file) is left alone.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: Any) -> None:
        given = connection.info.get_parameters().get("options", "").replace("-", "_")
        limits = {name: value for name, value in _POSTGRES_LIMITS.items() if name not in given}
        record.info[_BEGIN] = "; ".join(
            ["BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in limits.items())]
        )

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.info[_BEGIN])


def _prepare_sqlite(engine: Engine) -> None:
    """Hand transaction control from the sqlite3 module to SQLAlchemy and set the pragmas."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the module must not begin transactions of its own
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        # FULL, not NORMAL: a committed ticket survives the loss of power too.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What is erased or rewritten leaves no copy in the file's free space.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute(f"PRAGMA busy_timeout = {_SQLITE_BUSY_TIMEOUT_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get(_BEGIN, "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")


def alembic_config(database: Database) -> "Config":
    """Return Alembic's configuration for this database, for its ``command`` functions."""
    from alembic.config import Config

    config = Config()
    scripts = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))  # it interpolates
    config.attributes["engine"] = database.engine
    return config


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision; concurrent calls wait for each other."""
    from alembic import command

    with database.explained():
        command.upgrade(alembic_config(database), "head")


def open_database(settings: Settings) -> Database:
    """Open the configured database; the embedded one is made and migrated on the way.

    Raises:
        DatabaseUnavailableError: it cannot be reached, or a server's schema is not migrated.
        StorageError: the embedded database's folder cannot be written.
    """
    database = Database(settings.resolved_database_url)
    if settings.database_url is None:
        _ensure_embedded(database, settings.resolved_home)
    else:
        database.check_schema()
    return database


def _ensure_embedded(database: Database, home: Path) -> None:
    """Create and migrate the embedded SQLite database, one process at a time."""
    try:
        private_home(home)
        with open(home / "migrate.lock", "a", opener=open_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            make_private_file(Path(database.url.database or ""))  # SQLite's log is made alike
            with database.explained():
                revision = database.schema_revision()
            if revision != SCHEMA_REVISION:
                migrate(database)
    except OSError as error:
        raise StorageError(
            f"{home} cannot be the home ({error.filename}: {error.strerror}): set PAIDAN_HOME to a "
            "folder you may write"
        ) from error
