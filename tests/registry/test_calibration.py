"""A version decides by the calibration in force; one that cannot be read leaves the one before."""

import logging
from pathlib import Path
from typing import Any

import pytest

from classifier.interface import Classifier
from db import Database
from registry.calibration import apply_calibration
from registry.opening import load_version
from tests.support.calibrations import put_calibration, roll_back
from tests.support.make import add_units
from tests.support.versions import register_constant

UNREADABLE = {"temperature": 0.0}
FROM_A_NEWER_PAIDAN = {"wisdom": 0.5}
UNKNOWN_SCORE = {"no_unit": {"score": "aura", "threshold": 0.5, "review": 0.05}}


@pytest.fixture
def name(database: Database, tmp_path: Path) -> str:
    """A registered version: it answers A with 0.75, and by its own calibration holds none back."""
    add_units(database)
    return register_constant(database, tmp_path, "AAAB")


@pytest.fixture
def classifier(database: Database, tmp_path: Path, name: str) -> Classifier:
    return load_version(database, name, tmp_path)


def held_back(classifier: Classifier) -> str | None:
    [decision] = classifier.classify(["路灯坏了"], [frozenset("ABC")])
    assert decision.unit == "A"
    return decision.held_back


def apply(database: Database, classifier: Classifier) -> int | None:
    with database.reading() as session:
        return apply_calibration(session, classifier)


def test_a_version_is_opened_with_the_calibration_in_force(
    database: Database, tmp_path: Path, name: str
) -> None:
    assert held_back(load_version(database, name, tmp_path)) is None
    before = sorted(path.read_bytes() for path in (tmp_path / name).iterdir())

    put_calibration(database, name, threshold=0.8)

    assert held_back(load_version(database, name, tmp_path)) == "doubtful"
    assert sorted(path.read_bytes() for path in (tmp_path / name).iterdir()) == before


def test_what_is_rolled_back_leaves_the_one_before_and_then_the_versions_own(
    database: Database, classifier: Classifier
) -> None:
    own = classifier.calibration
    first = put_calibration(database, classifier.version, threshold=0.7)
    second = put_calibration(database, classifier.version, threshold=0.8)

    assert (apply(database, classifier), held_back(classifier)) == (second, "doubtful")
    roll_back(database, classifier.version)
    assert (apply(database, classifier), held_back(classifier)) == (first, None)
    assert classifier.calibration.threshold == 0.7
    roll_back(database, classifier.version)
    assert (apply(database, classifier), classifier.calibration) == (None, own)


@pytest.mark.parametrize("damage", [UNREADABLE, FROM_A_NEWER_PAIDAN, UNKNOWN_SCORE])
def test_one_that_this_paidan_cannot_use_is_refused_and_the_one_before_counts(
    database: Database,
    classifier: Classifier,
    caplog: pytest.LogCaptureFixture,
    damage: dict[str, Any],
) -> None:
    own = classifier.calibration
    damaged = put_calibration(database, classifier.version, **damage)
    with caplog.at_level(logging.ERROR, "registry"):
        assert (apply(database, classifier), classifier.calibration) == (None, own)

    good = put_calibration(database, classifier.version, threshold=0.8)
    put_calibration(database, classifier.version, **damage)
    assert (apply(database, classifier), held_back(classifier)) == (good, "doubtful")

    [told, _] = [r for r in caplog.records if getattr(r, "action", "") == "calibration.refused"]
    assert (told.version, told.calibration) == (classifier.version, damaged)  # type: ignore[attr-defined]
    assert "paidan recalibrate" in told.getMessage()
