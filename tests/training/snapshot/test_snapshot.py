"""A snapshot is read as it was written, or refused with what to do."""

import hashlib
import json
from pathlib import Path

import pytest

from core.errors import SnapshotError
from db import Database
from tests.support.make import add_units
from tests.support.snapshots import add_decided, build, samples, text
from training.gate.tickets import JudgedTicket, check_unlearned, text_hash
from training.snapshot.manifest import SnapshotManifest
from training.snapshot.rows import PARTS
from training.snapshot.snapshot import Snapshot, file_of
from training.snapshot.tables import rows_content


@pytest.fixture
def snapshot(database: Database, tmp_path: Path) -> Snapshot:
    add_units(database)
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 140)])
    return build(database, tmp_path, samples(range(40)))


def test_trainings_and_the_gate_read_what_was_divided(snapshot: Snapshot) -> None:
    read = Snapshot.load(snapshot.path)

    for part in PARTS:
        given = [(row.text, row.unit) for row in snapshot.parts[part]]
        assert [(one.text, one.unit) for one in getattr(read, part)] == given
    assert all(isinstance(one, JudgedTicket) for one in (*read.frozen, *read.recent))
    words = {one.source.partition(" ")[0] for one in read.training}
    assert words == {"line", "ticket"}
    assert read.learned == {text_hash(one.text) for one in (*read.training, *read.validation)}
    check_unlearned(read.frozen + read.recent, read.learned, "all", "v")


@pytest.mark.parametrize("name", ["manifest.json", "training.parquet", "learned.parquet"])
@pytest.mark.parametrize("harm", ["truncated", "flipped", "missing"])
def test_a_damaged_snapshot_is_refused(snapshot: Snapshot, name: str, harm: str) -> None:
    path = snapshot.path / name
    content = bytearray(path.read_bytes())
    if harm == "missing":
        path.unlink()
    elif harm == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    with pytest.raises(SnapshotError, match=rf"{name}.*build the snapshot anew"):
        Snapshot.load(snapshot.path)


def forge(snapshot: Snapshot, part: str, rows: bytes, *, sealed: bool) -> None:
    """Put other rows into a part as somebody would who knows the manifest."""
    (snapshot.path / file_of(part)).write_bytes(rows)
    files = {**snapshot.manifest.files, f"{part}.parquet": hashlib.sha256(rows).hexdigest()}
    changed = snapshot.manifest.model_copy(update={"files": files})
    manifest: SnapshotManifest = changed.sealed(files) if sealed else changed
    (snapshot.path / "manifest.json").write_text(manifest.model_dump_json())


def test_a_manifest_that_was_changed_is_refused(snapshot: Snapshot) -> None:
    content = json.loads((snapshot.path / "manifest.json").read_text())
    content["settings"]["frozen_cap"] = 1
    (snapshot.path / "manifest.json").write_text(json.dumps(content))

    with pytest.raises(SnapshotError, match="changed after it was made"):
        Snapshot.load(snapshot.path)


def test_a_manifest_of_a_later_paidan_is_refused_by_name(snapshot: Snapshot) -> None:
    content = json.loads((snapshot.path / "manifest.json").read_text()) | {"merged\n": 1}
    (snapshot.path / "manifest.json").write_text(json.dumps(content))

    with pytest.raises(SnapshotError, match=r"a later Paidan's \(merged.*build the snapshot anew"):
        Snapshot.load(snapshot.path)


def test_another_snapshot_than_the_one_that_is_asked_for_is_refused(snapshot: Snapshot) -> None:
    rows = rows_content(snapshot.parts["training"][1:])
    forge(snapshot, "training", rows, sealed=True)

    assert len(Snapshot.load(snapshot.path).training) == len(snapshot.training) - 1
    with pytest.raises(SnapshotError, match=f"{snapshot.sha256[:12]} is asked for"):
        Snapshot.load(snapshot.path, snapshot.sha256)


def test_a_snapshot_that_contains_frozen_tickets_is_refused(snapshot: Snapshot) -> None:
    rows = [*snapshot.parts["training"], snapshot.parts["frozen"][0]]
    forge(snapshot, "training", rows_content(rows), sealed=True)

    with pytest.raises(
        SnapshotError, match=r"would teach 1 tickets of the frozen set.*line|ticket"
    ):
        Snapshot.load(snapshot.path)
