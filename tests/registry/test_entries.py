"""A version's entry tells its kind, its measurements, and which manifest it has."""

import hashlib
from pathlib import Path

from classifier.manifest import MANIFEST
from classifier.version_files import read_manifest
from db import Database, versions
from registry.entries import manifest_digest, register
from registry.writer import TrainedVersion
from tests.support.versions import rewrite_manifest, write_toy_version


def toy_version(folder: Path) -> TrainedVersion:
    path = write_toy_version(folder)
    return TrainedVersion(path, read_manifest(path))


def enter(database: Database, version: TrainedVersion) -> tuple[str, str, object]:
    """Register a version; return what its entry tells."""
    with database.writing() as session:
        register(session, version)
    with database.reading() as session:
        entry = versions.get_version(session, version.name)
        return entry.kind, entry.manifest_sha256, entry.metrics


def test_an_entry_has_the_digest_of_the_manifest_as_it_lies_there(
    database: Database, tmp_path: Path
) -> None:
    version = toy_version(tmp_path)

    entered = enter(database, version)

    content = (version.path / MANIFEST).read_bytes()
    assert entered == ("toy", hashlib.sha256(content).hexdigest(), {"accuracy": 0.9})


def test_an_entry_is_never_changed(database: Database, tmp_path: Path) -> None:
    version = toy_version(tmp_path)
    before = enter(database, version)
    rewrite_manifest(version.path, metrics={"accuracy": 1.0})

    assert enter(database, version) == before
    assert manifest_digest(version.path) != before[1]
