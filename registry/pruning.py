"""The removal of versions that nothing needs: their files go, their rows stay.

The record decides, and says so first: in one transaction all versions are locked, looked at, and
those that nothing needs marked as pruned. From then on none of them is opened or promoted. Then
their folders are hidden, by a rename, and deleted. After a crash in between the next pruning
finishes it: what is marked and still there is removed.
"""

import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from core.errors import ModelVersionError, StorageError
from db import needed_versions, versions
from db.models import ModelVersion
from db.session import Database
from registry.opening import check_version

logger = logging.getLogger(__name__)

SNAPSHOTS = "snapshots"
"""In the folder of all versions; what each learned from is named by number and hash."""

_SNAPSHOT = re.compile(r"(?P<number>\d{6,})-(?P<sha256>[0-9a-f]{12})")
_HIDDEN = ".*.pruned"
_PARTIAL = ".*.partial"
"""A version that is being written (``core.whole``)."""
_DAY_S = 86_400.0
"""Nobody writes a version for so long."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What is pruned, or would be.

    Parameters:
        kept: version -> why it is kept.
        versions: those that go, oldest first.
        snapshots: folders of snapshots that go.
        size: bytes of all these files.
    """

    kept: Mapping[str, str]
    versions: Sequence[str]
    snapshots: Sequence[str]
    size: int


def plan_pruning(database: Database, models_dir: Path, keep: int) -> Pruning:
    """Return what ``prune`` would remove; nothing is changed.

    Args:
        database: the record.
        models_dir: the folder of all versions.
        keep: how many champions before the present one a rollback must reach.

    Raises:
        StorageError: a version's files cannot be read.
    """
    baseline = _baseline(database, models_dir)
    with database.reading() as session:
        return _look(session, models_dir, keep, baseline)


def prune(database: Database, models_dir: Path, keep: int, *, actor: str) -> Pruning:
    """Remove the files of all versions that nothing needs, and snapshots that they alone name.

    Args:
        database: the record.
        models_dir: the folder of all versions.
        keep: see ``plan_pruning``.
        actor: who asked for it, for the audit.

    Raises:
        StorageError: a version's files cannot be read, and nothing is removed; or a folder cannot
            be removed, and those before it are.
    """
    baseline = _baseline(database, models_dir)
    with database.writing() as session:
        pruning = _look(session, models_dir, keep, baseline)
        needed_versions.mark_pruned(session, pruning.versions, actor=actor)
    try:
        for name in pruning.versions:
            _remove(models_dir / name)
        for name in pruning.snapshots:
            _remove(models_dir / SNAPSHOTS / name)
        for left in _left(models_dir):
            _delete(left)
    except OSError as error:
        raise StorageError(
            f"{error.filename or models_dir} cannot be removed: {error.strerror or error}; see to "
            "it, and prune again"
        ) from error
    logger.info(
        "versions were pruned",
        extra={
            "action": "versions.pruned",
            "versions": len(pruning.versions),
            "snapshots": len(pruning.snapshots),
        },
    )
    return pruning


def _left(models_dir: Path) -> list[Path]:
    """Return what earlier prunings and trainings that were killed left, hidden."""
    pruned = (*models_dir.glob(_HIDDEN), *models_dir.glob(f"{SNAPSHOTS}/{_HIDDEN}"))
    return [*pruned, *filter(_is_old, models_dir.glob(_PARTIAL))]


def _is_old(path: Path) -> bool:
    with suppress(FileNotFoundError):  # it was renamed or removed meanwhile
        return path.lstat().st_mtime < time.time() - _DAY_S
    return False


def _baseline(database: Database, models_dir: Path) -> str | None:
    """Return the linear version that would answer in an LLM's place (``worker/baseline.py``).

    Raises:
        StorageError: one is there and cannot be read now; who knows whether it would.
    """
    with database.reading() as session:
        names = versions.baselines(session)
    for name in names:
        try:
            check_version(database, name, models_dir)
        except ModelVersionError:
            continue
        return name
    return None


def _look(session: Session, models_dir: Path, keep: int, baseline: str | None) -> Pruning:
    """Return what nothing needs, and what an earlier pruning left."""
    known = needed_versions.lock_versions(session)
    needed = needed_versions.needed(session, keep=keep)
    if baseline is not None:
        needed.setdefault(baseline, "it answers while an LLM does not work")
    # Since the baseline was looked for, a newer linear version may have come.
    for version in known[-1:]:
        needed.setdefault(version.name, "it is the newest")
    kept = {v.name: needed[v.name] for v in known if v.name in needed and v.pruned_at is None}
    gone = [v.name for v in known if v.name not in needed and v.pruned_at is None]
    left = [v.name for v in known if v.pruned_at is not None and _is_there(v, models_dir)]
    names = [*left, *gone]
    unneeded = needed_versions.unneeded_snapshots(session, gone)
    snapshots = _snapshots(models_dir / SNAPSHOTS, unneeded)
    folders = [models_dir / name for name in names]
    folders += [models_dir / SNAPSHOTS / name for name in snapshots]
    return Pruning(kept, names, snapshots, sum(map(_size, folders)))


def _is_there(version: ModelVersion, models_dir: Path) -> bool:
    folder = models_dir / version.name
    return folder.is_dir() or folder.is_symlink()


def _snapshots(folder: Path, unneeded: frozenset[str]) -> list[str]:
    """Return the folders of snapshots that go; the newest stays: the next one continues it."""
    matches = [_SNAPSHOT.fullmatch(path.name) for path in sorted(folder.glob("*"))]
    found = sorted((m for m in matches if m), key=lambda match: int(match["number"]))
    starts = {sha256[:12] for sha256 in unneeded}
    return [match.string for match in found[:-1] if match["sha256"] in starts]


def _size(folder: Path) -> int:
    """Return the bytes of a folder's files; another pruning may remove them meanwhile."""
    size = 0
    for place, _, names in os.walk(folder) if not folder.is_symlink() else ():
        for name in names:
            with suppress(FileNotFoundError):
                size += (Path(place) / name).lstat().st_size
    return size


def _remove(folder: Path) -> None:
    """Hide a folder by a rename, so that nobody sees it half deleted, and delete it.

    Of a link the link alone goes: what it leads to was put there by somebody.
    """
    if not (folder.is_dir() or folder.is_symlink()):
        return
    hidden = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.pruned")
    with suppress(FileNotFoundError):  # another pruning was here first
        folder.rename(hidden)
    _delete(hidden)


def _delete(path: Path) -> None:
    """Delete a folder or a link, also where another pruning deletes it at the same time."""
    while os.path.lexists(path):
        with suppress(FileNotFoundError):
            path.unlink() if path.is_symlink() else shutil.rmtree(path)
