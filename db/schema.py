"""The schema: which revision a database has, and Alembic's way to the newest one.

Alembic is imported where it is used: a process whose database is migrated never needs it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from core.errors import DatabaseUnavailableError
from db.session import Database

if TYPE_CHECKING:
    from alembic.config import Config

# The newest migration; a test compares it with Alembic's head.
SCHEMA_REVISION = "0013"


def check_schema(database: Database) -> None:
    """Check that the database can be reached and is migrated.

    Raises:
        DatabaseUnavailableError: it is not; says how to mend it.
    """
    with database.explained():
        found = schema_revision(database)
    if found != SCHEMA_REVISION:
        state = "has no Paidan tables" if found is None else f"is at revision {found}"
        raise DatabaseUnavailableError(
            f"database {database.shown_url} {state}, this Paidan needs {SCHEMA_REVISION}: "
            "run 'paidan migrate'"
        )


def schema_revision(database: Database) -> str | None:
    """Return the database's Alembic revision, None where there is none."""
    with database.engine.connect() as connection:
        if not database.engine.dialect.has_table(connection, "alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None else str(found)


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision; concurrent calls wait for each other."""
    from alembic import command

    with database.explained():
        command.upgrade(alembic_config(database), "head")


def alembic_config(database: Database) -> "Config":
    """Return Alembic's configuration for this database, for its ``command`` functions."""
    from alembic.config import Config

    config = Config()
    scripts = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))  # it interpolates
    config.attributes["engine"] = database.engine
    return config
