"""Versions entered into the record."""

import hashlib
from pathlib import Path

from sqlalchemy.orm import Session

from classifier.manifest import MANIFEST
from db import versions
from registry.writer import TrainedVersion


def register(session: Session, version: TrainedVersion) -> None:
    """Enter a trained version; one that was entered before is left as it is."""
    versions.register(
        session,
        name=version.name,
        kind=version.manifest.kind,
        manifest_sha256=manifest_digest(version.path),
        metrics=version.manifest.metrics,
    )


def manifest_digest(directory: Path) -> str:
    """Return the sha256 (hex) of a version's manifest, by which the registry knows it."""
    return hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()
