"""The four parts of the embedded stack, started and stopped together.

State lies under ``PAIDAN_HOME``; servers named by ``PAIDAN_REDIS_URL`` or ``PAIDAN_DATABASE_URL``
are used instead.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from core.process import RoleLock
from core.settings import Settings
from db import open_database
from paidan import redis_server
from paidan.embedded.part import Part

_POLL_S = 0.05
_REDIS_UMASK = 0o077  # its data hold tickets of the stream
_PAIDAN = (sys.executable, "-m", "paidan")


class EmbeddedStack:
    """Redis, relay, trainer and worker, running between ``__enter__`` and ``__exit__``.

    Args:
        settings: where state lies and which servers are given.
        worker_arguments: passed on to ``paidan worker`` and ``paidan trainer``: which GPU.
        logs: a folder for the parts' output; None leaves it on the terminal.
    """

    def __init__(
        self,
        settings: Settings,
        worker_arguments: Sequence[str] = ("--cpu",),
        logs: Path | None = None,
    ) -> None:
        self.settings = settings
        self.worker_arguments = worker_arguments
        self.logs = logs
        self._lock = RoleLock(settings.resolved_home / "run" / "up.lock", "the embedded stack")
        self._parts: list[Part] = []

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            open_database(self.settings)
            if self.settings.redis_url is None:
                self._start_redis()
            self._start("relay", [*_PAIDAN, "relay"])
            self._start("trainer", [*_PAIDAN, "trainer", *self.worker_arguments])
            self._start("worker", [*_PAIDAN, "worker", *self.worker_arguments])
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Keep the parts alive until ``until`` says so or an interrupt comes."""
        while not until():
            self.mend()
            time.sleep(_POLL_S)

    def mend(self) -> None:
        """Start again what died; a part that keeps dying is tried once a second."""
        for part in self._parts:
            part.mend()

    def part(self, name: str) -> Part:
        """Return a part by its name."""
        return next(part for part in self._parts if part.name == name)

    def stop(self) -> None:
        """Stop all parts, the last one first; what does not end in time is killed."""
        deadline = time.monotonic() + self.settings.stop_grace
        try:
            while self._parts:
                self._parts[-1].end(deadline)
                self._parts.pop()
        finally:  # a second interrupt: no more waiting
            for part in self._parts:
                part.kill()
            self._parts.clear()
            self._lock.release()

    def _start(self, name: str, command: Sequence[str], umask: int = -1) -> Part:
        others = {k: v for k, v in os.environ.items() if not k.startswith("PAIDAN_")}
        environment = others | self.settings.as_environment() | {"PYTHONUNBUFFERED": "1"}
        self._parts.append(Part(name, command, environment, self.logs, umask))
        return self._parts[-1]

    def _start_redis(self) -> None:
        socket = self.settings.embedded_socket
        data = self.settings.resolved_home / "redis"
        redis_server.prepare_folders(socket, data)
        part = self._start("redis", redis_server.command(socket, data), _REDIS_UMASK)
        redis_server.wait_for_redis(self.settings, part.exit_code)
