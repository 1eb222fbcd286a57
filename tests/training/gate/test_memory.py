"""Peak memory, of a process that holds one version alone."""

import sys
from functools import partial

import pytest

from tests.support.judged import Hoarder
from training.gate.memory import peak_memory

MIB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak in /proc")
def test_what_a_version_holds_is_counted_and_what_this_process_holds_is_not() -> None:
    ballast = b"\x01" * (300 * MIB)

    small, large = (
        peak_memory(partial(Hoarder, size), ["A 1", "B 2"], frozenset("AB"))
        for size in (MIB, 120 * MIB)
    )

    assert small is not None
    assert large is not None
    assert 100 * MIB < large - small < 150 * MIB
    assert small < len(ballast)
