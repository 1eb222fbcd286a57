"""A Valkey of a test's own that can go away and come back, over TCP or a unix socket."""

import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from core.broker import make_redis
from core.settings import Settings
from paidan import redis_server


class RedisProcess:
    """A server that keeps its data on disk, so that what it held is there again after a restart.

    Args:
        tcp: whether it listens on a port of 127.0.0.1 instead of a socket.
    """

    def __init__(self, *, tcp: bool = False) -> None:
        # A path of its own: pytest's may be too long for a socket.
        self._folder = Path(tempfile.mkdtemp(prefix="paidan-redis-"))
        self._socket = self._folder / "redis.sock"
        self._port = _free_port() if tcp else 0
        self.url = f"redis://127.0.0.1:{self._port}/0" if tcp else f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start it, with the data it had, and wait until it answers."""
        redis_server.prepare_folders(self._socket, self._folder / "data")
        command = redis_server.command(self._socket, self._folder / "data")
        started = subprocess.Popen(
            [*command, "--bind", "127.0.0.1", "--port", str(self._port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._process = started
        redis_server.wait_for_redis(Settings(redis_url=self.url), started.poll)

    def stop(self) -> None:
        """Let it end cleanly."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Let it neither answer nor go away."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def messages(self, lane: str) -> int:
        """Return how many messages wait in a lane."""
        client = make_redis(Settings(redis_url=self.url))
        try:
            return int(client.llen(f"tickets.{lane}"))
        finally:
            client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
