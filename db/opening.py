"""Opening the configured database: a server's as it is, the embedded one made on the way."""

import fcntl
from pathlib import Path

from core.errors import StorageError
from core.files import make_private_file, open_private, private_home
from core.settings import Settings
from db.schema import SCHEMA_REVISION, check_schema, migrate, schema_revision
from db.session import Database


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
        check_schema(database)
    return database


def _ensure_embedded(database: Database, home: Path) -> None:
    """Create and migrate the embedded SQLite database, one process at a time."""
    try:
        private_home(home)
        with open(home / "migrate.lock", "a", opener=open_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            make_private_file(Path(database.url.database or ""))  # SQLite's log is made alike
            with database.explained():
                revision = schema_revision(database)
            if revision != SCHEMA_REVISION:
                migrate(database)
    except OSError as error:
        raise StorageError(
            f"{home} cannot be the home ({error.filename}: {error.strerror}): set PAIDAN_HOME to a "
            "folder you may write"
        ) from error
