"""Peaks: what two registered versions take, each opened in a process of its own."""

import sys
from pathlib import Path

import pytest

from core.settings import Settings
from db import Database
from tests.support.make import add_units, promote_constant
from training.runs.peaks import measure_peaks

MIB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak in /proc")
def test_equal_versions_take_as_much(database: Database, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    add_units(database)
    pair = tuple(promote_constant(database, settings.resolved_models_dir) for _ in range(2))

    first, second = measure_peaks(database, settings, pair, ["路灯坏了"] * 99, frozenset("AB"))

    assert first.size is not None
    assert second.size is not None
    assert 10 * MIB < first.size < 1.2 * second.size < 1.44 * first.size
