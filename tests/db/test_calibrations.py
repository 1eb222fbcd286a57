"""Calibrations: set for a version after its training, with a history that only grows."""

import pytest
from sqlalchemy import func, select

from core.errors import ModelVersionError
from db import Database, calibrations, versions
from db.calibrations import Moved
from db.models import CalibrationMove, Event


@pytest.fixture(autouse=True)
def _versions(database: Database) -> None:
    with database.writing() as session:
        for name in ("v", "w"):
            versions.register(
                session, name=name, kind="constant", manifest_sha256="0" * 64, metrics={}
            )


def put(database: Database, threshold: float, version: str = "v") -> Moved:
    with database.writing() as session:
        return calibrations.put(
            session, version, {"threshold": threshold}, {"tickets": 9}, actor="li"
        )


def rollback(database: Database, version: str = "v") -> Moved:
    with database.writing() as session:
        return calibrations.rollback(session, version, actor="li")


def thresholds(database: Database, version: str = "v") -> list[float]:
    """Of the calibration in force, then of those a rollback would return to."""
    with database.reading() as session:
        return [one.content["threshold"] for one in calibrations.in_force(session, version)]


def test_before_the_first_one_a_version_decides_by_its_own(database: Database) -> None:
    with database.reading() as session:
        assert calibrations.in_force(session, "v") == []
        assert calibrations.newest_move(session, "v") is None
    with pytest.raises(ModelVersionError, match="the calibration it was made with: there is none"):
        rollback(database)


def test_a_calibration_counts_for_its_version_alone_and_leaves_a_trace(database: Database) -> None:
    first = put(database, 0.8)
    second = put(database, 0.9)

    assert (first.before, second.before) == (None, first.now)
    assert thresholds(database) == [0.9, 0.8]
    assert thresholds(database, "w") == []
    with database.reading() as session:
        [told] = session.execute(
            select(Event.actor, Event.data).where(Event.kind == "model.recalibrated").offset(1)
        ).all()
        [old, new] = calibrations.list_calibrations(session, "v")
    assert tuple(told) == ("li", {"version": "v", "before": first.now, "now": second.now})
    assert [(row.id, row.content, row.facts, row.actor) for row in (old, new)] == [
        (first.now, {"threshold": 0.8}, {"tickets": 9}, "li"),
        (second.now, {"threshold": 0.9}, {"tickets": 9}, "li"),
    ]


def test_rollbacks_walk_back_to_the_versions_own(database: Database) -> None:
    first, second = put(database, 0.8), put(database, 0.9)

    assert rollback(database) == Moved(second.now, first.now)
    assert thresholds(database) == [0.8]
    assert rollback(database) == Moved(first.now, None)
    assert thresholds(database) == []

    with pytest.raises(ModelVersionError, match="none to roll back to"):
        rollback(database)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CalibrationMove)) == 4


def test_what_is_set_after_a_rollback_returns_to_what_counted_before_it(database: Database) -> None:
    put(database, 0.8)
    put(database, 0.9)
    rollback(database)
    put(database, 0.7)

    assert thresholds(database) == [0.7, 0.8]
    rollback(database)
    rollback(database)
    put(database, 0.6)
    assert thresholds(database) == [0.6]


def test_each_change_is_a_newer_move(database: Database) -> None:
    seen = []
    for change in (lambda: put(database, 0.8), lambda: rollback(database)):
        change()
        with database.reading() as session:
            seen.append(calibrations.newest_move(session, "v"))

    assert None not in seen
    assert seen[0] != seen[1]


def test_an_unknown_version_is_refused(database: Database) -> None:
    with pytest.raises(ModelVersionError, match="no model version 'x' is registered"):
        put(database, 0.5, "x")
    with pytest.raises(ModelVersionError, match="no model version 'x' is registered"):
        rollback(database, "x")
