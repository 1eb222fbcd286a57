"""Real processes for tests: workers and relays that are started, killed and started again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import psutil

from core.process import die_with_parent
from core.settings import Settings


def wait_until(
    condition: Callable[[], bool], within: float, what: str, pause: float = 0.05
) -> None:
    """Poll a condition every ``pause``; fail if it does not come true in time (seconds)."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(pause)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs, and is no zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Process:
    """One part of Paidan as its own process, its output in a log file."""

    def __init__(self, settings: Settings, log: Path, module: str, *arguments: str, **env: str):
        self.settings = settings
        self.log = log
        self.command: Sequence[str] = [sys.executable, "-m", module, *arguments]
        self.environment = os.environ | settings.as_environment() | env
        self.popen: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.popen is not None:
            self.popen.terminate()
            try:
                self.popen.wait(self.settings.stop_grace + 5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    @property
    def pid(self) -> int:
        assert self.popen is not None
        return self.popen.pid

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def kill(self) -> None:
        """SIGKILL the process itself, and reap it."""
        assert self.popen is not None
        self.popen.kill()
        self.popen.wait()

    def children(self) -> list[psutil.Process]:
        """Return the processes it started that live."""
        try:
            return psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return []


def relay(settings: Settings, log: Path) -> Process:
    return Process(settings, log, "paidan", "relay")


def worker(
    settings: Settings, log: Path, model: str | None = None, *, cpu: bool = True, **env: str
) -> Process:
    """A worker; ``model`` and ``env`` are for ``tests.support.worker_with_test_models``."""
    if model is None:
        return Process(settings, log, "paidan", "worker", *(["--cpu"] if cpu else []))
    module = "tests.support.worker_with_test_models"
    return Process(settings, log, module, TEST_MODEL=model, **env)
