"""Peaks: what two registered versions take, each opened in a process of its own."""

import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from classifier.loading import DEFAULTS
from core.settings import Settings
from db import Database
from db.schema import migrate
from tests.support.make import add_units, promote_constant
from training.runs.peaks import _open, measure_peaks

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


def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    # Given a version whose database cannot be used before a moment has passed
    settings = Settings(home=tmp_path / "home", heartbeat=0.1)
    database, early = (Database(f"sqlite:///{tmp_path / name}") for name in ("now.db", "early.db"))
    migrate(early)
    add_units(early)
    name = promote_constant(early, settings.resolved_models_dir)

    def come() -> None:
        with sqlite3.connect(tmp_path / "early.db") as whole:
            whole.backup(sqlite3.connect(tmp_path / "now.db"))

    threading.Timer(0.5, come).start()

    # When it is opened, then it is waited for
    assert _open(str(database.url), name, settings, DEFAULTS).version == name
    early.engine.dispose()
