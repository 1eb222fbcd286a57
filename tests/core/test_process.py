"""A role is one process' at a time, a child ends with its parent, the collector is quick."""

import gc
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import AlreadyRunningError, StorageError
from core.process import RoleLock, collect_seldom, freeze_objects, uncollected
from tests.support.processes import wait_until

ROOT = Path(__file__).parents[2]


@contextmanager
def started(code: str, *arguments: object) -> "Iterator[subprocess.Popen[str]]":
    """A Python process, which prints a line when it is where it should be; killed at the end."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


_HOLDER = """
import sys, time
from pathlib import Path
from core.process import RoleLock
RoleLock(Path(sys.argv[1]), "a worker").acquire()
print("acquired", flush=True)
time.sleep(60)
"""


def test_a_role_is_one_process_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "run" / "w.lock"
    lock = RoleLock(path, "worker w")
    with started(_HOLDER, path) as holder:
        assert said(holder) == "acquired"

        assert not lock.try_acquire()
        running = f"worker w is already running as process {holder.pid} "
        with pytest.raises(AlreadyRunningError, match=running):
            lock.acquire()

    with lock:
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_role_that_was_given_up_is_free(tmp_path: Path) -> None:
    first, second = (RoleLock(tmp_path / "run" / "w.lock", "w") for _ in range(2))

    assert first.try_acquire()
    assert first.try_acquire()  # whoever has it may ask again
    assert not second.try_acquire()
    first.release()

    assert second.try_acquire()
    second.release()


def test_a_full_disk_keeps_nobody_from_a_role(tmp_path: Path) -> None:
    lock, other = (RoleLock(tmp_path / "run" / "w.lock", "w") for _ in range(2))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file may have a byte
    try:
        assert lock.try_acquire()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with pytest.raises(AlreadyRunningError, match=r"running as process \?"):
        other.acquire()
    lock.release()


def test_a_role_that_cannot_be_noted_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").touch()

    with pytest.raises(StorageError, match="cannot write"):
        RoleLock(tmp_path / "run" / "w.lock", "w").acquire()


_CHILD = """
import os, signal, sys, time
from core.process import die_with_parent
die_with_parent(signal.SIGTERM, int(sys.argv[1]) or os.getppid())
print(os.getpid(), flush=True)
time.sleep(60)
"""
_PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], "0"])
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux' own")
def test_a_process_ends_with_its_parent() -> None:
    with started(_PARENT, _CHILD) as parent:
        child = int(said(parent))
        assert _lives(child)

    wait_until(lambda: not _lives(child), 10, "the child's end")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux' own")
def test_a_process_whose_parent_is_gone_already_ends_at_once() -> None:
    with started(_CHILD, 2**22) as orphan:  # the pid of nobody, so not of its parent
        assert orphan.wait(20) == -signal.SIGTERM
        assert said(orphan) == ""


def _lives(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_collector_passes_over_what_stays() -> None:
    kept = [[number] for number in range(1000)]

    freeze_objects()

    assert gc.get_freeze_count() >= len(kept)
    assert not any(held is kept for held in gc.get_objects())


def test_the_collector_can_be_told_to_look_seldom() -> None:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # Python's own; a command may have run in this process
    try:
        collect_seldom()

        assert gc.get_threshold() > (700, 10, 10)
    finally:
        gc.set_threshold(*before)


def test_the_collector_rests_for_a_block_and_works_again_behind_it() -> None:
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()

    assert gc.isenabled()
