"""The processes of a run, and the supervisor that starts the dead ones again, as systemd would."""

import contextlib
import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

import psutil

_LOOK_EVERY_S = 0.1
# How long a dead process stays away, as with a supervisor's pause between two starts.
_PAUSE_S = (0.2, 2.0)


class Startable(Protocol):
    """What a part runs."""

    popen: "object | None"

    def start(self) -> None: ...


@dataclass(slots=True)
class Exit:
    """A part ended although nobody ended it."""

    part: str
    code: int
    at: float


@dataclass(slots=True)
class Part:
    """One supervised process.

    Attributes:
        name: how findings name it.
        process: starts it; its ``popen`` is the present life.
        down_until: it is not started before (monotonic).
        started: when its present life began (monotonic).
        expected_end: whether a fault ended the present life.
    """

    name: str
    process: Startable
    down_until: float = 0.0
    started: float = 0.0
    starts: int = 0
    expected_end: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def pid(self) -> int:
        return int(self.process.popen.pid)  # type: ignore[union-attr]

    @property
    def is_running(self) -> bool:
        popen = self.process.popen
        return popen is not None and popen.poll() is None  # type: ignore[attr-defined]

    def children(self) -> list[psutil.Process]:
        """The processes it started that live."""
        try:
            return psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return []

    def is_whole(self, since: float) -> bool:
        """Whether it and its child live, none stopped, for ``since`` seconds already."""
        if not self.is_running or time.monotonic() - self.started < since:
            return False
        try:
            states = [p.status() for p in [psutil.Process(self.pid), *self.children()]]
        except psutil.NoSuchProcess:
            return False
        gone = {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
        return not gone.intersection(states)

    def signal(self, number: signal.Signals, *, down: float = 0.0) -> None:
        """Send a signal; one that ends the process keeps it away for ``down`` seconds at least."""
        with self.lock:
            if number in (signal.SIGKILL, signal.SIGTERM):
                self.expected_end = True
                self.down_until = max(self.down_until, time.monotonic() + down)
            send(self.pid, number)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Supervisor(threading.Thread):
    """Starts parts, and starts them again whenever they are dead.

    Everything is started from this one thread: a process that is to die with its parent dies with
    the thread that started it.
    """

    def __init__(self, parts: list[Part], rng: random.Random) -> None:
        super().__init__(name="supervisor", daemon=True)
        self.parts = parts
        self.exits: list[Exit] = []
        self.failed: Exception | None = None
        self._rng = rng
        self._held = threading.Event()
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._held.is_set():
                for part in self.parts:
                    self._look_after(part)
                self._held.wait(_LOOK_EVERY_S)
        except Exception as error:  # the run fails with it
            self.failed = error
        self._ended.wait()  # what it started would die with it

    def _look_after(self, part: Part) -> None:
        with part.lock:
            popen = part.process.popen
            if popen is not None and popen.poll() is None:  # type: ignore[attr-defined]
                return
            now = time.monotonic()
            if popen is not None and part.started:
                if not part.expected_end:
                    self.exits.append(Exit(part.name, popen.returncode, now))  # type: ignore[attr-defined]
                part.started, part.expected_end = 0.0, False
                part.down_until = max(part.down_until, now + self._rng.uniform(*_PAUSE_S))
            if now >= part.down_until:
                part.process.start()
                part.started, part.starts = time.monotonic(), part.starts + 1

    def hold(self) -> None:
        """Start nothing any more; what runs goes on."""
        self._held.set()

    def end(self) -> None:
        """Let the thread end, and with it whatever still runs."""
        self._held.set()
        self._ended.set()
