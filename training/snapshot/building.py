"""Builds a snapshot out of the seed and all decisions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from classifier.manifest import taxonomy_digest
from db import Database
from training.near_duplicates import group_near_duplicates
from training.progress import SILENT, Progress
from training.samples import Sample
from training.snapshot.division import NEAR_FROZEN, Division, divide
from training.snapshot.labels import settle, settle_judged
from training.snapshot.leaks import refuse_leaks
from training.snapshot.manifest import SnapshotManifest
from training.snapshot.report import report_lines, report_of
from training.snapshot.rows import Row
from training.snapshot.seed import load_seed, store_seed
from training.snapshot.settings import SnapshotSettings
from training.snapshot.snapshot import Snapshot
from training.snapshot.sources import Sources, read_sources
from training.snapshot.store import alone, newest_path, snapshots_in, write_snapshot
from training.snapshot.weights import UNIT_CAP, weigh

_DEFAULTS = SnapshotSettings()


@dataclass(frozen=True, slots=True)
class _Made:
    """Divided rows, where labels contradict each other, and why the others are left out."""

    division: Division
    conflicts: Sequence[Sequence[str]]
    left_out: Counter[str]


def build_snapshot(
    database: Database,
    seed: Sequence[Sample] | None,
    *,
    models_dir: Path,
    settings: SnapshotSettings = _DEFAULTS,
    learned: Sequence[Sample] = (),
    progress: Progress = SILENT,
) -> Snapshot:
    """Make a snapshot of the seed and of all that people decided, and keep it.

    The frozen test set of the newest snapshot stays, and grows up to its cap. What an earlier
    snapshot taught is never taken to judge. Where nothing changed, the newest snapshot is returned.

    Args:
        database: the record.
        seed: labelled tickets of a file; None for those of the newest snapshot.
        models_dir: the folder of all versions; snapshots lie in ``snapshots`` there.
        settings: shares, caps and weights.
        learned: what the champion learned outside of snapshots; none of it is taken to judge.
        progress: is told the report.

    Raises:
        SnapshotError: the newest snapshot, or its seed, is missing or damaged.
        StorageError: the snapshot cannot be written; nothing is left of it.
        DatabaseUnavailableError: the record cannot be read.
    """
    folder = snapshots_in(models_dir)
    with alone(folder):
        path = newest_path(folder)
        parent = Snapshot.load(path) if path else None
        seed_sha256, rows = _seed(folder, seed, parent)
        sources = read_sources(database, rows, parent.parts["frozen"] if parent else ())
        taught = parent.learned_before if parent else frozenset[str]()
        outside = {Row(one.text, one.unit, "seed", "").digest for one in learned}
        made = _make(sources, taught | outside, settings)
        refuse_leaks(made.division.parts, "the snapshot")
        manifest = _manifest(sources, made, settings, seed_sha256, parent)
        parts = made.division.parts
        now = {row.digest for part in ("training", "validation") for row in parts[part]}
        snapshot = write_snapshot(folder, manifest, parts, taught | outside | now, parent)
    for line in report_lines(snapshot.path.name, snapshot.manifest.report):
        progress.say(line)
    return snapshot


def _seed(
    folder: Path, seed: Sequence[Sample] | None, parent: Snapshot | None
) -> tuple[str | None, list[Row]]:
    sha256 = store_seed(folder, seed) if seed else parent.manifest.seed_sha256 if parent else None
    return sha256, load_seed(folder, sha256) if sha256 else []


def _make(sources: Sources, learned: frozenset[str], settings: SnapshotSettings) -> _Made:
    frozen, others = _grouped(sources.kept, [*sources.seed, *sources.decisions])
    groups = {row.group for row in frozen}
    judged = settle_judged(frozen, [row for row in others if row.group in groups])
    settled = settle([row for row in others if row.group not in groups])
    division = divide(settled.rows, judged.rows, learned, settings)
    training = division.parts["training"]
    weighed = weigh(training, settings)
    groups = {row.group for row in judged.rows}
    digests = {row.digest for row in judged.rows}
    near = sum(row.group in groups and row.digest not in digests for row in others)
    left_out = sources.left_out + judged.left_out + settled.left_out + division.left_out
    left_out += Counter({NEAR_FROZEN: near, UNIT_CAP: len(training) - len(weighed)})
    parts = {**division.parts, "training": weighed}
    conflicts = [*judged.conflicts, *settled.conflicts]
    return _Made(replace(division, parts=parts), conflicts, left_out)


def _grouped(frozen: Sequence[Row], others: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows with their groups of near-duplicates.

    A group has the number of its least hash, so it has the same one in each snapshot.
    """
    rows = [*frozen, *others]
    groups = group_near_duplicates([row.text for row in rows]).tolist()
    least: dict[int, str] = {}
    for row, group in zip(rows, groups, strict=True):
        least[group] = min(least.get(group, row.digest), row.digest)
    numbers = {group: int(digest[:15], 16) for group, digest in least.items()}
    found = [replace(row, group=numbers[group]) for row, group in zip(rows, groups, strict=True)]
    return found[: len(frozen)], found[len(frozen) :]


def _manifest(
    sources: Sources,
    made: _Made,
    settings: SnapshotSettings,
    seed_sha256: str | None,
    parent: Snapshot | None,
) -> SnapshotManifest:
    read = {"seed": len(sources.seed), "decisions": len(sources.decisions)}
    parts = made.division.parts
    return SnapshotManifest(
        number=parent.manifest.number + 1 if parent else 1,
        parent=parent.sha256 if parent else None,
        created_at=datetime.now(UTC),
        seed_sha256=seed_sha256,
        decisions_sha256=sources.decisions_sha256,
        newest_decision=sources.newest_decision,
        taxonomy_sha256=taxonomy_digest({unit.code: unit.name for unit in sources.units}),
        units=sources.units,
        settings=settings.facts(),
        report=report_of(read, parts, made.left_out, made.conflicts, len(sources.units)),
        files={},
    )
