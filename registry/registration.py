"""The registration of a version: its row in the record, with the digest of its manifest."""

import hashlib
from pathlib import Path

from sqlalchemy.orm import Session

from classifier.manifest import MANIFEST
from db import versions
from registry.writer import TrainedVersion


def register(session: Session, version: TrainedVersion) -> None:
    """Register a trained version; a registration of that name is left as it is.

    Raises:
        OSError: the manifest cannot be read.
    """
    versions.register(
        session,
        name=version.name,
        kind=version.manifest.kind,
        manifest_sha256=manifest_digest(version.path),
        metrics=version.manifest.metrics,
    )


def manifest_digest(directory: Path) -> str:
    """Return the sha256 (hex) of a version's manifest: by it the registry knows the version.

    Raises:
        OSError: the manifest cannot be read.
    """
    return hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()
