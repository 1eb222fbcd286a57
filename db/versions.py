"""Model versions as SQL knows them: their rows, and the aliases that stand for some of them.

``champion`` is the version that answers; moves of it are kept. ``candidate`` is the newest that
could take over. Their files are the business of the room ``registry``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ModelVersionError
from db import events, verdicts
from db.models import AliasMove, ModelVersion

CHAMPION = "champion"
CANDIDATE = "candidate"
_BASELINE = "linear"  # the kind
_SHOWN_CHARS = 128  # of a name that is none; no version's is longer


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
    # A database takes no half of a surrogate pair, which a terminal in another encoding sends.
    version = session.get(ModelVersion, name) if name.isprintable() else None
    if version is None:
        known = [v.name for v in list_versions(session)]
        listing = ", ".join(known[-5:]) if known else "none yet: train one with 'paidan train'"
        shown = f"{name[:_SHOWN_CHARS]!r}{'…' * (len(name) > _SHOWN_CHARS)}"
        raise ModelVersionError(f"no model version {shown} is registered (there are: {listing})")
    return version


def list_versions(session: Session) -> list[ModelVersion]:
    """Return all versions, oldest first."""
    return list(
        session.scalars(select(ModelVersion).order_by(ModelVersion.created_at, ModelVersion.name))
    )


def present_version(session: Session, name: str, *, lock: bool = False) -> ModelVersion:
    """Return a registered version whose files were not removed.

    Args:
        session: a session.
        name: the version's.
        lock: let nobody prune it until the transaction ends.

    Raises:
        ModelVersionError: there is none of that name, or it was pruned.
    """
    version = get_version(session, name)
    if lock:
        session.refresh(version, with_for_update=True)
    if version.pruned_at is not None:
        raise ModelVersionError(
            f"model version {name} was pruned on {version.pruned_at:%Y-%m-%d}: its files are gone; "
            "take another ('paidan models list'), or train again"
        )
    return version


def named(session: Session, word: str) -> str:
    """Return the version that a person means by a name or an alias.

    Raises:
        ModelVersionError: there is no champion, or no candidate.
    """
    if word not in (CHAMPION, CANDIDATE):
        return word
    found = champion(session) if word == CHAMPION else candidate(session)
    if found is None:
        raise ModelVersionError(f"there is no {word}: see 'paidan models list'")
    return found


def candidate(session: Session) -> str | None:
    """Return the newest challenger: made after the champion, never champion, not held back.

    It needs no moves of its own: promoted or refused, it is candidate no more. One that waits for
    people's blind answers is not refused yet. One whose run broke off was never judged.
    """
    was_champion = set(session.scalars(select(AliasMove.model_version)))
    out = was_champion | verdicts.held_back(session)
    now = champion(session)
    names = [v.name for v in list_versions(session) if v.pruned_at is None or v.name == now]
    after = names[names.index(now) + 1 :] if now in names else names
    challengers = [name for name in after if name not in out]
    return challengers[-1] if challengers else None


def baselines(session: Session) -> list[str]:
    """Return the versions that may answer in an LLM's place, newest first.

    They are linear ones; of these the first that opens answers.
    """
    there = [v for v in list_versions(session) if v.pruned_at is None]
    return [v.name for v in reversed(there) if v.kind == _BASELINE]


def champion(session: Session) -> str | None:
    """Return the name of the version that answers, None before the first promotion."""
    move = _newest_move(session, CHAMPION)
    return move.model_version if move else None


def promote(session: Session, name: str, *, actor: str, forced: str | None = None) -> Moved:
    """Point ``champion`` at a version. The caller has checked its files (``registry.champion``).

    Args:
        session: a writing session.
        name: the version's.
        actor: who asked for it, for the audit.
        forced: what spoke against it, where it is promoted all the same.

    Raises:
        ModelVersionError: there is none of that name, or it was pruned.
    """
    present_version(session, name, lock=True)
    newest = _newest_move(session, CHAMPION)
    before = newest.model_version if newest else None
    if before != name:
        _move(session, name, previous_id=newest.id if newest else None, actor=actor)
        audit: dict[str, Any] = {"forced": forced} if forced else {}
        events.record(session, "model.promoted", actor=actor, before=before, now=name, **audit)
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
        ModelVersionError: there is nothing to go back to, or it was pruned.
    """
    newest, target = _move_before(session)
    present_version(session, target.model_version, lock=True)
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
