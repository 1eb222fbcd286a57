"""Decided tickets that neither of two versions has learned."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from classifier.manifest import Manifest
from core.text import model_text
from db import corrections, taxonomy
from db.models import Correction, Ticket
from training.samples import Sample
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import newest_path, snapshots_in


def unlearned_samples(
    session: Session, models_dir: Path, manifests: Sequence[Manifest]
) -> tuple[list[Sample], str]:
    """Return tickets that no version learned, and where they are from, for people.

    Where all versions were made from snapshots, these are what the newest snapshot keeps for
    judging: it and those before it taught none of these tickets, nor a near-duplicate of one.
    Else, what people decided after all versions were made: a file may have taught anything before.

    Args:
        session: a session.
        models_dir: the folder of all versions.
        manifests: the versions'.

    Raises:
        SnapshotError, StorageError: the newest snapshot cannot be read.
    """
    path = newest_path(snapshots_in(models_dir))
    if path is not None and all(_snapshot_of(manifest) for manifest in manifests):
        return _judged(session, path), f"frozen and recent tickets of snapshot {path.name}"
    since = max(manifest.created_at for manifest in manifests)
    rows = session.execute(
        corrections.latest_decisions(Ticket.title, Ticket.text, Correction.to_unit).where(
            Correction.corrected_at > since
        )
    ).all()
    found = _under_present_codes(
        session, [(model_text(title, text), str(unit)) for title, text, unit in rows]
    )
    return found, f"tickets that people decided since {since:%Y-%m-%d %H:%M}"


def _judged(session: Session, path: Path) -> list[Sample]:
    snapshot = Snapshot.load(path)
    judged = (*snapshot.frozen, *snapshot.recent)
    return _under_present_codes(session, [(one.text, one.unit) for one in judged])


def _snapshot_of(manifest: Manifest) -> str | None:
    return manifest.lineage.snapshot if manifest.lineage else None


def _under_present_codes(session: Session, pairs: Sequence[tuple[str, str]]) -> list[Sample]:
    """Return samples whose units are active; others are left out."""
    codes = taxonomy.resolve(session, {unit for _, unit in pairs}, alike=False)
    return [Sample(text, codes[unit]) for text, unit in pairs if unit in codes]
