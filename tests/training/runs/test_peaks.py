"""Peaks: what two registered versions take, each opened in a process of its own."""

import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from classifier.loading import DEFAULTS
from classifier.manifest import BaseReference, Calibration, TrainingFacts
from core.settings import Settings
from db import Database
from db.schema import migrate
from registry.writer import store_version
from tests.support.make import add_units, promote_constant
from training.runs.peaks import _open, by_construction, measure_peaks

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


def llm_version(folder: Path, base: str, size: int) -> str:
    """A version's files that an LLM of a base would have; nobody opens it."""
    calibration = Calibration(
        temperature=1.0, threshold=0.5, error_target=0.05, coverage=1.0, error=0.0, held_out=1
    )
    return store_version(
        folder,
        "llm",
        ["A"],
        {"A": "A"},
        calibration=calibration,
        metrics={},
        training=TrainingFacts(samples=1, seed=0, settings={}, data_sha256="0" * 64),
        base=BaseReference(name="7b", sha256=base * 64),
        write_files=lambda directory: (directory / "adapter").write_bytes(bytes(size)) and None,
    ).name


@pytest.mark.parametrize(
    ("base", "size", "is_known"),
    [("a", 119, True), ("a", 20, True), ("a", 130, False), ("b", 100, False)],
)
def test_of_two_llms_on_one_base_their_own_files_tell(
    tmp_path: Path, base: str, size: int, is_known: bool
) -> None:
    champion = llm_version(tmp_path, "a", 100 << 10)
    challenger = llm_version(tmp_path, base, size << 10)

    why = by_construction(tmp_path, champion, challenger)

    assert bool(why) == is_known
    assert not is_known or "same base 7b" in why
