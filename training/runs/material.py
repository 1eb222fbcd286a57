"""What a run learns from: a snapshot of seed and decisions, the same in each of its attempts."""

from pathlib import Path

from core.errors import SnapshotError
from core.settings import Settings
from db import Database, runs, versions
from db.run_tables import Run
from training.progress import Progress
from training.runs.wish import Wish
from training.snapshot.building import build_snapshot
from training.snapshot.seed import load_seed
from training.snapshot.settings import SnapshotSettings
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import snapshots_in


def snapshot_for(
    database: Database, settings: Settings, run: Run, wish: Wish, progress: Progress
) -> Snapshot:
    """Return the snapshot that the run's first attempt learned from, or a new one.

    Raises:
        SnapshotError, StorageError, DatabaseUnavailableError: see ``build_snapshot``.
    """
    folder = snapshots_in(settings.resolved_models_dir)
    if run.snapshot_sha256 is not None:
        found = _find(folder, run.snapshot_sha256)
        if found is not None:
            return found
    seed = [] if wish.seed is None else [row.as_sample() for row in load_seed(folder, wish.seed)]
    return build_snapshot(
        database,
        seed or None,
        models_dir=settings.resolved_models_dir,
        settings=SnapshotSettings.of(settings),
        learned=seed if _is_from_elsewhere(database) else (),
        progress=progress,
    )


def _find(folder: Path, sha256: str) -> Snapshot | None:
    """Return a snapshot by its hash; None where this machine has none, or a damaged one."""
    for path in folder.glob(f"*-{sha256[:12]}"):
        try:
            return Snapshot.load(path, sha256)
        except SnapshotError:
            continue
    return None


def _is_from_elsewhere(database: Database) -> bool:
    """Whether the champion was trained without a snapshot, and so may have learned all the seed."""
    with database.reading() as session:
        champion = versions.champion(session)
        return champion is not None and not runs.has_made(session, champion)
