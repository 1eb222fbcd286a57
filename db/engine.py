"""The engine of a database: how a connection is opened, and how its transactions begin."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from core.errors import SettingsError

# A task may wait for so long twice (to store, to hand back) and stays well under its hard limit.
_SQLITE_BUSY_TIMEOUT_MS = 10_000
_CONNECT_TIMEOUT_S = 5
# The option of an engine, or a connection's information, that says how a transaction begins.
BEGIN = "paidan_begin"
WRITING = "IMMEDIATE"
"""Its value where the transaction will write: what SQLite calls that."""
# So a server that is gone without a word is noticed. Times without a unit are seconds.
_POSTGRES_CONNECT = {
    "connect_timeout": _CONNECT_TIMEOUT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
    # A pooler such as PgBouncer gives each transaction another session, which does not know what
    # the last one was told. So nothing is prepared, and BEGIN is ours (see _prepare_postgresql).
    "prepare_threshold": None,
    "autocommit": True,
}
# Whoever waits for a forgotten lock gets an error, and hands its claims back, before its task is
# killed.
_POSTGRES_LIMITS = {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
# Whoever reads holds nobody up, and may work on hundreds of thousands of texts between two queries.
_POSTGRES_READING_LIMITS = _POSTGRES_LIMITS | {"idle_in_transaction_session_timeout": "15min"}


def make_engine(url: URL) -> Engine:
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

    A pooler would refuse them as startup parameters. Set once, they would stay for the next client
    of the server's session. What the user set by ``options`` (URL, ``PGOPTIONS``, service file) is
    left alone.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: Any) -> None:
        given = connection.info.get_parameters().get("options", "").replace("-", "_")
        record.info[BEGIN] = _begin(_POSTGRES_READING_LIMITS, given)
        record.info[WRITING] = _begin(_POSTGRES_LIMITS, given)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(
            connection.info[connection.get_execution_options().get(BEGIN, BEGIN)]
        )


def _begin(limits: Mapping[str, str], given: str) -> str:
    """Return the statements that begin a transaction, with the limits that the user left open."""
    sets = (f"SET LOCAL {name} = '{value}'" for name, value in limits.items() if name not in given)
    return "; ".join(["BEGIN", *sets])


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
        # Erased and rewritten values leave no copy in the file's free space.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute(f"PRAGMA busy_timeout = {_SQLITE_BUSY_TIMEOUT_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get(BEGIN, "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
