"""Model versions as SQL knows them: their rows, and the ``champion`` alias that one of them has.

Their files are the business of the room ``registry``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ModelVersionError
from db import events
from db.models import AliasMove, ModelVersion

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Moved:
    """A move of the alias: from a version (None the first time) to another."""

    before: str | None
    now: str


def register(
    session: Session,
    *,
    name: str,
    kind: str,
    manifest_sha256: str,
    metrics: Mapping[str, Any],
) -> None:
    """Enter a finished version directory. A version registered before is left as it is."""
    if session.get(ModelVersion, name) is None:
        session.add(
            ModelVersion(
                name=name,
                kind=kind,
                manifest_sha256=manifest_sha256,
                metrics=dict(metrics),
            )
        )
        session.flush()


def get_version(session: Session, name: str) -> ModelVersion:
    """Return a registered version.

    Raises:
        ModelVersionError: there is none of that name; names those there are.
    """
    version = session.get(ModelVersion, name)
    if version is None:
        known = [v.name for v in list_versions(session)]
        listing = ", ".join(known[-5:]) if known else "none yet: train one with 'paidan train'"
        raise ModelVersionError(f"no model version {name!r} is registered (there are: {listing})")
    return version


def list_versions(session: Session) -> list[ModelVersion]:
    """Return all versions, oldest first."""
    return list(
        session.scalars(select(ModelVersion).order_by(ModelVersion.created_at, ModelVersion.name))
    )


def champion(session: Session) -> str | None:
    """Return the name of the version that answers, None before the first promotion."""
    move = _newest_move(session, CHAMPION)
    return move.model_version if move else None


def promote(session: Session, name: str, *, actor: str) -> Moved:
    """Point ``champion`` at a version. The caller has checked its files (``registry.champion``)."""
    get_version(session, name)
    newest = _newest_move(session, CHAMPION)
    before = newest.model_version if newest else None
    if before != name:
        _move(session, name, previous_id=newest.id if newest else None, actor=actor)
        events.record(session, "model.promoted", actor=actor, before=before, now=name)
    return Moved(before, name)


def rollback_target(session: Session) -> str:
    """Return the version a rollback would make champion again.

    Raises:
        ModelVersionError: there is nothing to go back to.
    """
    return _move_before(session)[1].model_version


def rollback(session: Session, *, actor: str) -> Moved:
    """Point ``champion`` back at the version before. A second rollback goes back further.

    Raises:
        ModelVersionError: there is nothing to go back to.
    """
    newest, target = _move_before(session)
    _move(session, target.model_version, previous_id=target.previous_id, actor=actor)
    before = newest.model_version
    events.record(
        session, "model.rolled_back", actor=actor, before=before, now=target.model_version
    )
    return Moved(before, target.model_version)


def _move_before(session: Session) -> tuple[AliasMove, AliasMove]:
    newest = _newest_move(session, CHAMPION)
    target = session.get(AliasMove, newest.previous_id) if newest and newest.previous_id else None
    if newest is None or target is None:
        raise ModelVersionError("there is no earlier champion to roll back to")
    return newest, target


def _newest_move(session: Session, alias: str) -> AliasMove | None:
    return session.scalar(
        select(AliasMove).where(AliasMove.alias == alias).order_by(AliasMove.id.desc()).limit(1)
    )


def _move(session: Session, name: str, *, previous_id: int | None, actor: str) -> None:
    session.add(AliasMove(alias=CHAMPION, model_version=name, previous_id=previous_id, actor=actor))
    session.flush()
