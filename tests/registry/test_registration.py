"""A version's registration tells its kind, its measurements, and which manifest it has."""

import hashlib
from pathlib import Path

from classifier.manifest import MANIFEST
from classifier.version_files import read_manifest
from db import Database, versions
from registry.registration import manifest_digest, register
from registry.writer import TrainedVersion
from tests.support.versions import rewrite_manifest, write_toy_version


def toy_version(folder: Path) -> TrainedVersion:
    path = write_toy_version(folder)
    return TrainedVersion(path, read_manifest(path))


def registered(database: Database, version: TrainedVersion) -> tuple[str, str, object]:
    """Register a version; return what the record tells."""
    with database.writing() as session:
        register(session, version)
    with database.reading() as session:
        row = versions.get_version(session, version.name)
        return row.kind, row.manifest_sha256, row.metrics


def test_a_registration_has_the_digest_of_the_manifest_as_it_lies_there(
    database: Database, tmp_path: Path
) -> None:
    version = toy_version(tmp_path)

    told = registered(database, version)

    content = (version.path / MANIFEST).read_bytes()
    assert told == ("toy", hashlib.sha256(content).hexdigest(), {"accuracy": 0.9})


def test_a_registration_is_never_changed(database: Database, tmp_path: Path) -> None:
    version = toy_version(tmp_path)
    before = registered(database, version)
    rewrite_manifest(version.path, metrics={"accuracy": 1.0})

    assert registered(database, version) == before
    assert manifest_digest(version.path) != before[1]
