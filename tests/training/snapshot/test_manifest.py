"""A manifest's hash is over what a snapshot holds, not over when it was made."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import SnapshotError
from training.snapshot.manifest import SnapshotManifest, SnapshotUnit

PATH = Path("manifest.json")


def manifest(**changed: Any) -> SnapshotManifest:
    values: dict[str, Any] = {
        "number": 1,
        "parent": None,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "seed_sha256": None,
        "decisions_sha256": "0",
        "newest_decision": 0,
        "taxonomy_sha256": "0",
        "units": (SnapshotUnit(code="A", name="甲局"),),
        "settings": {},
        "report": {},
        "files": {},
    }
    return SnapshotManifest(**(values | changed)).sealed({"training.parquet": "1"})


def test_a_manifest_is_read_as_it_was_sealed() -> None:
    made = manifest()

    assert SnapshotManifest.parse(PATH, made.model_dump_json().encode()) == made
    assert made.name == f"000001-{made.sha256[:12]}"


def test_the_hash_changes_with_the_content_alone() -> None:
    made = manifest()

    later = manifest(number=2, parent="1", created_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert later.sha256 == made.sha256
    for changed in (
        {"settings": {"seed": 1}},
        {"decisions_sha256": "1"},
        {"units": (SnapshotUnit(code="A", name="乙局"),)},
    ):
        assert manifest(**changed).sha256 != made.sha256


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"number": "one"}'])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(SnapshotError, match=r"manifest\.json is no snapshot's manifest"):
        SnapshotManifest.parse(PATH, content)


@pytest.mark.parametrize("changed", [{"number": 0}, {"number": -5}, {"seed_sha256": "../../x"}])
def test_a_number_or_a_seed_that_no_folder_has_is_refused(changed: dict[str, object]) -> None:
    content = manifest().model_copy(update=changed).sealed({}).model_dump_json()

    with pytest.raises(SnapshotError, match=r"manifest\.json is no snapshot's manifest"):
        SnapshotManifest.parse(PATH, content.encode())
