"""What a process asks of the system: to die with its parent, the collector, an exclusive role."""

import ctypes
import fcntl
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from core.errors import AlreadyRunningError, StorageError
from core.files import private_folder

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# A killed process' child ends with it, but the kernel may need a moment.
WAIT_FOR_PREDECESSOR_S = 3.0
_POLL_S = 0.1


def die_with_parent(sent: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
    """Ask the kernel to send ``sent`` to this process when its parent dies (Linux only).

    Args:
        sent: the signal.
        parent: the expected parent's pid. The kernel tells only of deaths after this call, so a
            process whose parent is gone already ends at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), sent)


def freeze_objects() -> None:
    """Free what is garbage, and let the garbage collector pass over what stays (``gc.freeze``).

    Torch, a model and compiled code are some 660,000 objects. The collector would walk through
    them every ten seconds of work, for 0.4 s in which no forward starts.
    """
    gc.unfreeze()  # what was frozen before may be garbage now
    gc.collect()
    gc.freeze()


def collect_seldom() -> None:
    """Let the garbage collector wait for 50,000 new objects instead of 700.

    A program's imports make hundreds of thousands that stay. Without this, looking at them again
    and again is a fifth of the time in which a worker or a training starts.
    """
    gc.set_threshold(50_000, 20, 100)


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the garbage collector rest for a block that makes what stays.

    It would look at all that is there again and again: a fifth of the time that importing torch and
    transformers takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class RoleLock:
    """An exclusive role, held through ``flock``: the kernel frees it when its holder dies.

    Args:
        path: the lock file; it stays behind when the lock is released.
        role: what is held, for the error message.
    """

    def __init__(self, path: Path, role: str) -> None:
        self.path = path
        self.role = role
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take the role if it is free; return whether this process holds it now."""
        if self._descriptor is not None:
            return True
        try:
            private_folder(self.path.parent.parent)  # the home
            private_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        with suppress(OSError):  # on a full disk the role is held all the same, without a name
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        return True

    def try_within(self, seconds: float) -> bool:
        """Take the role once it is free; return whether that was within so many seconds."""
        deadline = time.monotonic() + seconds
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def acquire(self) -> Self:
        """Take the role.

        Raises:
            AlreadyRunningError: another process holds it; names its pid.
        """
        if not self.try_acquire():
            holder = self.path.read_text(encoding="ascii").strip() or "?"
            raise AlreadyRunningError(
                f"{self.role} is already running as process {holder} ({self.path}): "
                "stop it first, or choose another PAIDAN_HOME"
            )
        return self

    def succeed(self, variable: str) -> None:
        """Take the role, waiting some seconds for a predecessor that was just killed.

        Args:
            variable: names the holder, for the error message.

        Raises:
            AlreadyRunningError: another process keeps it.
        """
        if not self.try_within(WAIT_FOR_PREDECESSOR_S):
            raise AlreadyRunningError(
                f"{self.role} is running on this machine already ({self.path}): "
                f"stop it, or give this one another {variable}"
            )

    def release(self) -> None:
        """Give the role up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_exc: object) -> None:
        self.release()
