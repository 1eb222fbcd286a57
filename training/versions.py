"""Stores what a training made as a model version."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from classifier.manifest import (
    Calibration,
    LearnedUnit,
    Manifest,
    TrainingFacts,
    make_name,
    taxonomy_digest,
    write_version,
)


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """A model version that training has written."""

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The version's name."""
        return self.manifest.name


def store_version(
    models_dir: Path,
    kind: str,
    learned: Sequence[str],
    units: Mapping[str, str],
    *,
    calibration: Calibration,
    metrics: Mapping[str, JsonValue],
    training: TrainingFacts,
    write_files: Callable[[Path], None],
) -> TrainedVersion:
    """Write a version named after its kind, the time and its data (see ``write_version``).

    Args:
        models_dir: the folder of all versions.
        kind: which classifier reads it.
        learned: codes of the learned units, in class order.
        units: code -> name of all units there are.
        calibration: from held-out data.
        metrics: held-out measurements, by name.
        training: what it was trained on.
        write_files: called with an empty directory, writes the kind's files there.
    """
    now = datetime.now(UTC)
    # With the microseconds: two trainings on the same data in one second get two names.
    digest = hashlib.sha256(f"{training.data_sha256} {now.isoformat()}".encode()).hexdigest()
    manifest = Manifest(
        name=make_name(kind, now, digest),
        kind=kind,
        created_at=now,
        units=tuple(LearnedUnit(code=code, name=units[code]) for code in learned),
        taxonomy_sha256=taxonomy_digest(units),
        calibration=calibration,
        metrics=dict(metrics),
        training=training,
    )
    path = models_dir / manifest.name
    return TrainedVersion(path, write_version(path, manifest, write_files))
