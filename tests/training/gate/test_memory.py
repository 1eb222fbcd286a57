"""Peak memory, of a process that holds one version alone."""

import os
import signal
import sys
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from core.errors import ModelVersionError
from tests.support.judged import Hoarder, Scripted
from tests.support.processes import is_alive, wait_until
from training.gate.memory import Peak, peak_memory

MIB = 1 << 20
ALLOWED = frozenset("AB")


def refuse() -> Scripted:
    raise ModelVersionError("its files were changed")


def die() -> Scripted:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def tell_and_dawdle(file: Path) -> Scripted:
    file.write_text(str(os.getpid()))
    return dawdle()


def dawdle() -> Scripted:
    time.sleep(60)
    raise AssertionError


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak in /proc")
def test_what_a_version_holds_is_counted_and_what_this_process_holds_is_not() -> None:
    ballast = b"\x01" * (300 * MIB)

    small, large = (
        peak_memory(partial(Hoarder, size), ["A 1", "B 2"], ALLOWED).size
        for size in (MIB, 120 * MIB)
    )

    assert small is not None
    assert large is not None
    assert 100 * MIB < large - small < 150 * MIB
    assert small < len(ballast)


def test_a_version_that_cannot_be_measured_says_why_and_harms_nobody() -> None:
    assert peak_memory(refuse, [], ALLOWED) == Peak(None, "its files were changed")
    assert peak_memory(die, [], ALLOWED) == Peak(None, "its process died (exit code -9)")
    assert peak_memory(dawdle, [], ALLOWED, 0.1) == Peak(None, "it did not answer within 0.1 s")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends it")
def test_a_measurement_ends_with_whoever_asked_for_it(tmp_path: Path) -> None:
    # Given a process that has a version measured
    told = tmp_path / "pid"
    asking = get_context("spawn").Process(
        target=peak_memory, args=(partial(tell_and_dawdle, told), [], ALLOWED)
    )
    asking.start()
    wait_until(lambda: told.exists() and bool(told.read_text()), 60, "the measurement")
    measuring = psutil.Process(int(told.read_text()))

    # When it is killed
    asking.kill()
    asking.join()

    wait_until(lambda: not is_alive(measuring), 20, "the measurement's end")
