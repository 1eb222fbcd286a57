"""PostgreSQL for tests: each has a migrated database of its own, copied from one template."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import servers
from db.schema import migrate
from db.session import Database

TEMPLATE = "paidan_template"


class PostgresServer(servers.PostgresServer):
    """A PostgreSQL server with a migrated template database.

    It need not outlive the machine, so nothing waits for the disk: of a thousand databases each
    would wait a second for being made and dropped.
    """

    copied_by = "file_copy"

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self._execute("ALTER SYSTEM SET fsync = off")
        self._execute("SELECT pg_reload_conf()")
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        template = Database(self.url(TEMPLATE))
        migrate(template)
        template.engine.dispose()

    def create(self, template: str | None = TEMPLATE) -> str:
        """Create a database, migrated unless ``template`` is None; return its URL."""
        return super().create(template)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a PostgreSQL server for the block."""
    with servers.running_postgres(PostgresServer) as server:
        yield server
