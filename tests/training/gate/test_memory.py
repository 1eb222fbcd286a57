"""Peak memory, of a process that holds one version alone."""

import os
import signal
import sys
import time
from functools import partial

import pytest

from core.errors import ModelVersionError
from tests.support.judged import Hoarder, Scripted
from training.gate.memory import Peak, peak_memory

MIB = 1 << 20
ALLOWED = frozenset("AB")


def refuse() -> Scripted:
    raise ModelVersionError("its files were changed")


def die() -> Scripted:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


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
