"""What a run would learn without a break, in this process: the broken ones are compared with it."""

from pathlib import Path

from db.run_tables import Run
from registry.lineage import UNKNOWN
from tests.support.told import Told
from tests.whole.chaos_training.stack import Stack
from training.runs.learning import train
from training.runs.wish import Wish
from training.runs.workplace import Workplace
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import snapshots_in

_NO_RUN = 0


def learn_unbroken(stack: Stack, run: Run) -> Path:
    """Train what a run was asked for from its snapshot, at one go; return the version's folder."""
    place = Workplace(stack.settings, _NO_RUN)
    place.prepare()
    place.forget_checkpoints()  # of another kind
    folder = snapshots_in(stack.settings.resolved_models_dir)
    [path] = folder.glob(f"*-{str(run.snapshot_sha256)[:12]}")
    snapshot = Snapshot.load(path, run.snapshot_sha256)
    made = train(
        run.kind, Wish.of(run.parameters), snapshot, stack.settings, place, UNKNOWN, Told()
    )
    kept = made.path.rename(stack.folder / made.name)
    place.clear()
    return kept
