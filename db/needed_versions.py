"""Which versions something still needs; the files of others are ``registry.pruning``'s."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db import clock, draws, events, shadow, versions
from db.best_champion import best_before
from db.models import AliasMove, ModelVersion, Worker
from db.run_tables import Run, RunState

PRESUMED_ALIVE_S = 3600.0
"""A worker that did not stop and is silent for less may come back with the version it has."""

_OPEN = (RunState.QUEUED, RunState.RUNNING)


def lock_versions(session: Session) -> list[ModelVersion]:
    """Return all versions, oldest first; until the transaction ends no alias moves to one."""
    query = select(ModelVersion).order_by(ModelVersion.created_at, ModelVersion.name)
    return list(session.scalars(query.with_for_update()))


def needed(session: Session, *, keep: int) -> dict[str, str]:
    """Return each version that the record names as needed, with why.

    Args:
        session: a session.
        keep: how many champions before the present one a rollback must reach.
    """
    found: dict[str, str] = {}
    for name, reason in _reasons(session, keep):
        found.setdefault(name, reason)
    return found


def _reasons(session: Session, keep: int) -> Iterator[tuple[str, str]]:
    newest = select(func.max(AliasMove.id)).group_by(AliasMove.alias)
    for move in session.scalars(select(AliasMove).where(AliasMove.id.in_(newest))):
        yield move.model_version, move.alias
        if move.alias == versions.CHAMPION:
            for name in _before(session, move, keep):
                yield name, "a rollback returns to it"
    now = versions.champion(session)
    if now and (best := best_before(session, now)):
        yield best, "it is the best champion so far, by which challengers are judged"
    if candidate := versions.candidate(session):
        yield candidate, versions.CANDIDATE
    if draw := draws.open_draw(session):
        yield session.get_one(Run, draw.run_id).version or "", "people are asked about its answers"
    if unseen := shadow.current(session):
        yield unseen.version, "it answers in the shadow"
    for worker in session.scalars(select(Worker).where(Worker.stopped_at.is_(None))):
        if worker.model_version and worker.heartbeat_age < PRESUMED_ALIVE_S:
            yield worker.model_version, f"worker {worker.name} answers with it"
    for run in session.scalars(select(Run).where(Run.state.in_(_OPEN))):
        for text in (run.version, *_strings(run.parameters)):
            if text:
                yield text, f"run {run.id} needs it"


def _before(session: Session, move: AliasMove, count: int) -> list[str]:
    """Return the versions to which so many rollbacks would return, one after the other."""
    found: list[str] = []
    at: AliasMove | None = move
    while len(found) < count and at is not None and at.previous_id is not None:
        at = session.get(AliasMove, at.previous_id)
        if at is not None:
            found.append(at.model_version)
    return found


def _strings(value: Any) -> Iterator[str]:
    """Yield all texts in a run's parameters: any may be the name of a version, such as a teacher's.

    A name that is no version's keeps nothing.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def unneeded_snapshots(session: Session, going: Collection[str]) -> frozenset[str]:
    """Return the snapshots (sha256) from which pruned versions alone were made.

    Args:
        session: a session.
        going: versions that are about to be pruned.
    """
    made = select(Run.snapshot_sha256, ModelVersion.name, ModelVersion.pruned_at).join(
        ModelVersion, ModelVersion.name == Run.version
    )
    rows = session.execute(made.where(Run.snapshot_sha256.is_not(None))).all()
    kept = {sha256 for sha256, name, at in rows if at is None and name not in going}
    kept |= set(session.scalars(select(Run.snapshot_sha256).where(Run.state.in_(_OPEN))))
    return frozenset(sha256 for sha256, *_ in rows if sha256 and sha256 not in kept)


def mark_pruned(session: Session, names: Sequence[str], *, actor: str) -> None:
    """Note that versions are opened no more; their files may be removed once this is committed."""
    marked = session.scalars(
        update(ModelVersion)
        .where(ModelVersion.name.in_(names), ModelVersion.pruned_at.is_(None))
        .values(pruned_at=clock.now())
        .returning(ModelVersion.name)
    ).all()
    if marked:
        events.record(session, "model.pruned", actor=actor, versions=sorted(marked))
