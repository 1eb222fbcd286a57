"""Calibrations that were made after the training, for versions of tests."""

from typing import Any

from classifier.manifest import Calibration
from db import Database, calibrations

CALIBRATION = Calibration(
    temperature=1.0, threshold=0.5, error_target=0.05, coverage=0.8, error=0.04, held_out=9
)


def put_calibration(database: Database, version: str, **values: Any) -> int:
    """Have a version decide by ``CALIBRATION`` with other values; return the calibration's id."""
    content = {**CALIBRATION.model_dump(mode="json"), **values}
    with database.writing() as session:
        now = calibrations.put(session, version, content, {"tickets": 9}, actor="test").now
    assert now is not None
    return now


def roll_back(database: Database, version: str) -> int | None:
    """Return to the calibration before, and return its id."""
    with database.writing() as session:
        return calibrations.rollback(session, version, actor="test").now
