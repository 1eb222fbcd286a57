"""Calibrations: how versions decide since they were recalibrated, with the way back.

A version is made with a calibration of its own, which its manifest has. What is set here stands in
its place. Each change is a move, and a rollback is one too, so history only grows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ModelVersionError
from db import events, versions
from db.models import CalibrationMove, StoredCalibration


@dataclass(frozen=True, slots=True)
class Moved:
    """A change of a version's calibration, by ids; None is the version's own."""

    before: int | None
    now: int | None


def put(
    session: Session,
    version: str,
    content: Mapping[str, Any],
    facts: Mapping[str, Any],
    *,
    actor: str,
) -> Moved:
    """Have a version decide by a new calibration from now on.

    Args:
        session: a writing session.
        version: the version's name.
        content: a ``classifier.manifest.Calibration``, as JSON.
        facts: what it was measured on, as JSON.
        actor: who asked for it, for the record.

    Raises:
        ModelVersionError: there is no such version.
    """
    versions.get_version(session, version)
    row = StoredCalibration(
        model_version=version, content=dict(content), facts=dict(facts), actor=actor
    )
    session.add(row)
    session.flush()
    newest = _newest_move(session, version)
    _move(session, version, row.id, previous_id=newest.id if newest else None, actor=actor)
    before = newest.calibration_id if newest else None
    events.record(
        session, "model.recalibrated", actor=actor, version=version, before=before, now=row.id
    )
    return Moved(before, row.id)


def rollback(session: Session, version: str, *, actor: str) -> Moved:
    """Have a version decide by the calibration before again. A second rollback goes back further.

    Raises:
        ModelVersionError: there is no such version, or it decides by its own calibration.
    """
    versions.get_version(session, version)
    newest = _newest_move(session, version)
    if newest is None or newest.calibration_id is None:
        raise ModelVersionError(
            f"model version {version} decides by the calibration it was made with: there is none "
            "to roll back to"
        )
    target = session.get(CalibrationMove, newest.previous_id) if newest.previous_id else None
    before, now = newest.calibration_id, target.calibration_id if target else None
    _move(session, version, now, previous_id=target.previous_id if target else None, actor=actor)
    events.record(
        session,
        "model.calibration_rolled_back",
        actor=actor,
        version=version,
        before=before,
        now=now,
    )
    return Moved(before, now)


def newest_move(session: Session, version: str) -> int | None:
    """Return the id of the newest move of a version's calibration; None where there is none."""
    newest = _newest_move(session, version)
    return newest.id if newest else None


def in_force(session: Session, version: str) -> list[StoredCalibration]:
    """Return the calibration by which a version decides, then those a rollback would return to.

    Beyond the last, or where there is none, the version's own counts.
    """
    found: list[StoredCalibration] = []
    move = _newest_move(session, version)
    while move is not None and move.calibration_id is not None:
        found.append(session.get_one(StoredCalibration, move.calibration_id))
        move = session.get(CalibrationMove, move.previous_id) if move.previous_id else None
    return found


def list_calibrations(session: Session, version: str) -> list[StoredCalibration]:
    """Return all calibrations that were made for a version, oldest first."""
    query = select(StoredCalibration).where(StoredCalibration.model_version == version)
    return list(session.scalars(query.order_by(StoredCalibration.id)))


def _newest_move(session: Session, version: str) -> CalibrationMove | None:
    return session.scalar(
        select(CalibrationMove)
        .where(CalibrationMove.model_version == version)
        .order_by(CalibrationMove.id.desc())
        .limit(1)
    )


def _move(
    session: Session,
    version: str,
    calibration: int | None,
    *,
    previous_id: int | None,
    actor: str,
) -> None:
    session.add(
        CalibrationMove(
            model_version=version,
            calibration_id=calibration,
            previous_id=previous_id,
            actor=actor,
        )
    )
    session.flush()
