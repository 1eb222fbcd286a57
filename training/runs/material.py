"""What a run learns from: a snapshot of seed and decisions, the same in each of its attempts."""

from collections.abc import Sequence

from core.errors import SnapshotError
from core.settings import Settings
from core.text import model_text
from db import Database, runs, versions
from db.corrections import latest_decisions
from db.models import Correction, Ticket
from db.run_tables import Run
from training.progress import Progress
from training.runs.wish import Wish
from training.samples import Sample
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
    if run.snapshot_sha256 is not None:
        found = find_snapshot(settings, run.snapshot_sha256)
        if found is not None:
            return found
    folder = snapshots_in(settings.resolved_models_dir)
    seed = [] if wish.seed is None else [row.as_sample() for row in load_seed(folder, wish.seed)]
    return build_snapshot(
        database,
        seed or None,
        models_dir=settings.resolved_models_dir,
        settings=SnapshotSettings.of(settings),
        learned=_learned_elsewhere(database, seed),
        progress=progress,
    )


def find_snapshot(settings: Settings, sha256: str) -> Snapshot | None:
    """Return a snapshot by its hash; None where this machine has none, or a damaged one."""
    for path in snapshots_in(settings.resolved_models_dir).glob(f"*-{sha256[:12]}"):
        try:
            return Snapshot.load(path, sha256)
        except SnapshotError:
            continue
    return None


def _learned_elsewhere(database: Database, seed: Sequence[Sample]) -> list[Sample]:
    """Return what a champion may have learned that no run has made.

    ``paidan train`` keeps no snapshot: that is all of the seed, and with ``--corrections`` what
    people had decided until then. Units play no part: only the texts are known again.
    """
    with database.reading() as session:
        champion = versions.champion(session)
        if champion is None or runs.has_made(session, champion):
            return []
        since = versions.get_version(session, champion).created_at
        columns = Ticket.title, Ticket.text, Correction.to_unit, Correction.corrected_at
        decided = session.execute(latest_decisions(*columns)).all()
    return [
        *seed,
        *(
            Sample(model_text(title, text), unit)
            for title, text, unit, at in decided
            if at <= since
        ),
    ]
