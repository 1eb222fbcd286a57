"""The embedded stack: Redis, relay and worker as children of one foreground process.

Children end with this process however it ends (``die_with_parent``), are started again when they
die by themselves, and are stopped in the order worker, relay, Redis. State lies under
``PAIDAN_HOME``; servers named by ``PAIDAN_REDIS_URL`` or ``PAIDAN_DATABASE_URL`` are used instead.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Self

from redis.exceptions import RedisError

from core.broker import make_redis
from core.errors import BrokerUnavailableError, StorageError
from core.files import open_private, private_folder
from core.process import RoleLock, die_with_parent
from core.settings import Settings
from db import open_database
from paidan import redis_server

logger = logging.getLogger(__name__)

_REDIS = "redis"
_REDIS_UMASK = 0o077  # its data hold tickets of the stream
_REDIS_START_S = 15.0
_POLL_S = 0.05
_RESTART_PAUSE_S = 1.0
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class _Child:
    """A part of the stack: how it is started, and its process."""

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes]"
    restart_at: float | None = field(default=None)


class EmbeddedStack:
    """Redis, relay and worker, running between ``__enter__`` and ``__exit__``.

    Args:
        settings: where state lies and which servers are given.
        worker_arguments: passed on to ``paidan worker``.
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
        self._children: list[_Child] = []

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            open_database(self.settings)
            if self.settings.redis_url is None:
                self._start_redis()
            self._start("relay", [sys.executable, "-m", "paidan", "relay"])
            self._start(
                "worker", [sys.executable, "-m", "paidan", "worker", *self.worker_arguments]
            )
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
        now = time.monotonic()
        for child in self._children:
            code = child.process.poll()
            if code is None:
                continue
            if child.restart_at is None:
                logger.warning("a part died", extra={"part": child.name, "code": code})
                child.restart_at = now + _RESTART_PAUSE_S
            elif now >= child.restart_at:
                child.process = self._spawn(child.name, child.command)
                child.restart_at = None

    def stop(self) -> None:
        """Stop all parts: worker, relay, then Redis; what does not end in time is killed."""
        deadline = time.monotonic() + self.settings.stop_grace
        try:
            while self._children:
                child = self._children[-1]
                _end(child.process, deadline)
                self._children.pop()
        finally:  # a second interrupt: no more waiting
            for child in self._children:
                child.process.kill()
                child.process.wait()
            self._children.clear()
            self._lock.release()

    def _start(self, name: str, command: Sequence[str]) -> None:
        self._children.append(_Child(name, command, self._spawn(name, command)))

    def _spawn(self, name: str, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        parent = os.getpid()
        others = {k: v for k, v in os.environ.items() if not k.startswith("PAIDAN_")}
        environment = others | self.settings.as_environment() | {"PYTHONUNBUFFERED": "1"}
        output = self._log_file(name)
        try:
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C of the terminal reaches this process alone, which then stops the parts
                # in order.
                start_new_session=True,
                umask=_REDIS_UMASK if name == _REDIS else -1,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
            )
        finally:
            if output is not None:
                output.close()

    def _log_file(self, name: str) -> IO[bytes] | None:
        if self.logs is None:
            return None
        try:
            private_folder(self.logs)
            return open(self.logs / f"{name}.log", "ab", opener=open_private)
        except OSError as error:
            raise StorageError(f"cannot write logs to {self.logs}: {error.strerror}") from error

    def _start_redis(self) -> None:
        socket = self.settings.embedded_socket
        data = self.settings.resolved_home / "redis"
        redis_server.prepare_folders(socket, data)
        self._start(_REDIS, redis_server.command(socket, data))
        wait_for_redis(self.settings, lambda: self._children[-1].process.poll())


def wait_for_redis(settings: Settings, exit_code: Callable[[], int | None]) -> None:
    """Wait until Redis answers.

    Raises:
        BrokerUnavailableError: its process ended (``exit_code`` is no longer None), or it does not
            answer in time.
    """
    client = make_redis(settings)
    deadline = time.monotonic() + _REDIS_START_S
    while True:
        try:
            client.ping()
        except RedisError as error:
            if exit_code() is not None or time.monotonic() > deadline:
                raise BrokerUnavailableError(
                    f"the embedded Redis does not start (exit code {exit_code()}): its output "
                    f"above says why; its data is in {settings.resolved_home / 'redis'}"
                ) from error
            time.sleep(_POLL_S)
        else:
            return


def _end(process: "subprocess.Popen[bytes]", deadline: float) -> None:
    process.terminate()
    try:
        process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        logger.warning("killed a part that did not stop", extra={"pid": process.pid})
        process.kill()
        process.wait()


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, so ``finally`` runs.

    SIGINT too: a shell that starts a command in the background has it ignore that signal. One that
    comes while Python collects garbage is raised in some object's ``__del__``, and lost there: it
    is sent again.
    """
    told = sys.unraisablehook

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def send_again(lost: "sys.UnraisableHookArgs") -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            # Not from here: it would be raised, and lost, in this very call.
            threading.Timer(_POLL_S, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            told(lost)

    before = {s: signal.signal(s, interrupt) for s in _INTERRUPTS}
    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = told
        for number, handler in before.items():
            signal.signal(number, handler)
