"""Errors of the database's driver become errors a person can act on; none quotes a value."""

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    StatementError,
)

from core.errors import (
    DatabaseUnavailableError,
    PaidanError,
    RecordRefusedError,
    StorageError,
)
from core.faults import hush, signature

# SQLSTATE classes whose messages speak of servers, locks and resources, never of a row's values:
# connection, authorization, transaction state and rollback, database name, resources, object
# state, operator, system.
_WITHOUT_VALUES = frozenset(("08", "25", "28", "3D", "40", "53", "55", "57", "58"))


def explain(error: StatementError, url: str) -> PaidanError:
    """Return the error to raise for a statement that failed; ``error`` loses its text.

    Args:
        error: what SQLAlchemy raised.
        url: the database's URL as it may be shown.
    """
    fault = _fault(error, url)
    hush(error)
    return fault


def _fault(error: StatementError, url: str) -> PaidanError:
    reason = _reason(error)
    if "readonly" in reason or "read-only" in reason or "unable to open" in reason:
        return StorageError(
            f"database {url} cannot be written ({reason}): check the disk and its permissions, "
            "or set PAIDAN_HOME or PAIDAN_DATABASE_URL"
        )
    if "disk is full" in reason or "No space left" in reason:
        return StorageError(
            f"database {url}: the disk is full ({reason}); nothing was written: free space there"
        )
    if "disk I/O error" in reason:  # SQLite's word for a disk that is full, too, while it opens
        return StorageError(
            f"database {url} cannot be read or written ({reason}): is its disk full, or damaged? "
            "Free space there, or set PAIDAN_HOME or PAIDAN_DATABASE_URL"
        )
    if "no such table" in reason or "UndefinedTable" in reason:
        return DatabaseUnavailableError(f"database {url} is not migrated: run 'paidan migrate'")
    passing = isinstance(error, OperationalError | InternalError | InterfaceError)
    if passing or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return DatabaseUnavailableError(
            f"database {url} cannot be used ({reason}): is it running, and is "
            "PAIDAN_DATABASE_URL right?"
        )
    return RecordRefusedError(
        f"database {url} refuses a statement; nothing of its transaction was written ({reason})"
    )


def _reason(error: StatementError) -> str:
    """Return the driver's own words if they cannot quote a value, else its error's type and code.

    SQLite's operational errors speak of files, locks and tables only. PostgreSQL's may quote a row:
    the class of the SQLSTATE tells.
    """
    below = error.orig
    if below is None:
        return signature(error)
    sqlstate = getattr(below, "sqlstate", None)
    if sqlstate is not None:
        text = getattr(getattr(below, "diag", None), "message_primary", None)
        if text and sqlstate[:2] in _WITHOUT_VALUES:
            return f"{sqlstate}: {text}"
        return signature(below)
    if isinstance(error, OperationalError | InterfaceError | InternalError):
        lines = str(below).strip().splitlines()
        return lines[0] if lines else signature(below)
    return signature(below)
