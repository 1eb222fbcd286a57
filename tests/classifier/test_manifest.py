"""A version directory is written whole or not at all, and read only as it was written."""

import errno
import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from classifier import loading
from classifier.interface import Classifier
from classifier.loading import load_classifier
from classifier.manifest import (
    MANIFEST,
    Calibration,
    LearnedUnit,
    Manifest,
    TrainingFacts,
    read_file,
    read_manifest,
    taxonomy_digest,
)
from core.errors import ModelVersionError, StorageError
from registry.writer import make_name, write_version

NAME = "toy-20261123-201530-ab12cd"


def a_manifest(name: str = NAME) -> Manifest:
    return Manifest(
        name=name,
        kind="toy",
        created_at=datetime(2026, 11, 23, 20, 15, 30, tzinfo=UTC),
        units=(LearnedUnit(code="A", name="甲局"), LearnedUnit(code="B", name="乙局")),
        taxonomy_sha256=taxonomy_digest({"A": "甲局", "B": "乙局"}),
        calibration=Calibration(
            temperature=1.5, threshold=0.7, error_target=0.05, coverage=0.8, error=0.04, held_out=9
        ),
        metrics={"accuracy": 0.9},
        training=TrainingFacts(samples=9, seed=1, settings={"c": 30.0}, data_sha256="00"),
    )


def write_files(directory: Path) -> None:
    (directory / "weights").write_bytes(b"\x00\x01")
    (directory / "deep").mkdir()
    (directory / "deep" / "words.txt").write_text("词", encoding="utf-8")


@pytest.fixture
def version(tmp_path: Path) -> Path:
    write_version(tmp_path / NAME, a_manifest(), write_files)
    return tmp_path / NAME


def rewrite(version: Path, **fields: object) -> None:
    data = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    (version / MANIFEST).write_text(json.dumps({**data, **fields}), encoding="utf-8")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = write_version(tmp_path / "models" / NAME, a_manifest(), write_files)

    read = read_manifest(tmp_path / "models" / NAME)
    assert read == written
    assert sorted(read.files) == ["deep/words.txt", "weights"]
    assert read_file(tmp_path / "models" / NAME, read, "weights") == b"\x00\x01"
    assert [path.name for path in (tmp_path / "models").iterdir()] == [NAME]


def test_a_name_that_exists_is_refused_and_left_alone(version: Path) -> None:
    with pytest.raises(ModelVersionError, match="never overwritten"):
        write_version(version, a_manifest(), lambda _: None)

    assert read_manifest(version).files


@pytest.mark.parametrize("name", ["../up", ".hidden", "with space", ""])
def test_a_malformed_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelVersionError, match="cannot be written"):
        write_version(tmp_path / name, a_manifest(name), write_files)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_leaves_nothing_and_is_named(tmp_path: Path, code: int) -> None:
    def fail(directory: Path) -> None:
        write_files(directory)
        raise OSError(code, os.strerror(code), str(directory / "weights"))

    with pytest.raises(StorageError, match=rf"{tmp_path}.*{os.strerror(code)}.*PAIDAN_MODELS_DIR"):
        write_version(tmp_path / NAME, a_manifest(), fail)

    assert list(tmp_path.iterdir()) == []


def test_a_models_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")

    with pytest.raises(StorageError, match=str(tmp_path / "models")):
        write_version(tmp_path / "models" / NAME, a_manifest(), write_files)


def test_a_crash_in_training_leaves_no_half_version(tmp_path: Path) -> None:
    def crash(directory: Path) -> None:
        write_files(directory)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_version(tmp_path / NAME, a_manifest(), crash)

    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelVersionError, match=r"does not exist.*paidan train"):
        read_manifest(tmp_path / "gone")


def test_a_missing_manifest_is_refused(version: Path) -> None:
    (version / MANIFEST).unlink()

    with pytest.raises(ModelVersionError, match=r"manifest\.json is missing.*paidan train"):
        read_manifest(version)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_manifest_that_is_not_json_is_refused(version: Path, content: bytes) -> None:
    (version / MANIFEST).write_bytes(content)

    with pytest.raises(ModelVersionError, match=r"manifest\.json is not JSON.*paidan train"):
        read_manifest(version)


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"format": 2}'])
def test_an_unknown_format_is_refused(version: Path, content: str) -> None:
    (version / MANIFEST).write_text(content)

    with pytest.raises(ModelVersionError, match=r"manifest\.json has format .* reads 1"):
        read_manifest(version)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"units": []}, "units"),
        ({"units": [{"code": "A", "name": "甲"}, {"code": "A", "name": "乙"}]}, "unit twice"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature"),
        ({"calibration": {"temperature": float("nan")}}, "calibration.temperature"),
        ({"surprise": 1}, "surprise"),
        ({"name": "other"}, "manifest of other"),
    ],
)
def test_a_manifest_with_a_wrong_field_names_it(
    version: Path, fields: dict[str, object], message: str
) -> None:
    rewrite(version, **fields)

    with pytest.raises(ModelVersionError, match=message):
        read_manifest(version)


def test_a_missing_file_is_refused(version: Path) -> None:
    (version / "weights").unlink()

    with pytest.raises(ModelVersionError, match=r"weights is missing.*paidan train"):
        read_manifest(version)


def test_a_changed_file_is_refused(version: Path) -> None:
    (version / "deep" / "words.txt").write_text("诃", encoding="utf-8")

    with pytest.raises(ModelVersionError, match=r"words\.txt was changed.*backup.*paidan train"):
        read_manifest(version)
    with pytest.raises(ModelVersionError, match=r"words\.txt was changed"):
        read_file(version, read_manifest(version, verify=False), "deep/words.txt")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "link"])
def test_a_file_outside_of_the_directory_is_refused(version: Path, name: str) -> None:
    (version.parent / "outside").write_text("x")
    (version / "link").symlink_to(version.parent / "outside")
    rewrite(version, files={name: "00"})

    with pytest.raises(ModelVersionError, match="outside of its directory"):
        read_manifest(version)


def test_a_file_that_the_manifest_does_not_list_is_not_read(version: Path) -> None:
    (version / "more").write_text("x")

    with pytest.raises(ModelVersionError, match="does not list more"):
        read_file(version, read_manifest(version), "more")


def test_names_are_utc_and_sort_by_time() -> None:
    late = datetime(2026, 11, 24, 4, 15, 30, tzinfo=timezone(timedelta(hours=8)))
    earlier = late - timedelta(seconds=1)

    assert make_name("linear", late, "ab12cd34") == "linear-20261123-201530-ab12cd"
    assert make_name("linear", earlier, "ff") < make_name("linear", late, "00")


def test_the_taxonomy_digest_ignores_order_and_sees_every_name() -> None:
    assert taxonomy_digest({"A": "甲", "B": "乙"}) == taxonomy_digest({"B": "乙", "A": "甲"})
    assert taxonomy_digest({"A": "甲", "B": "乙"}) != taxonomy_digest({"A": "甲", "B": "丙"})


def test_an_unknown_kind_is_refused(version: Path) -> None:
    with pytest.raises(ModelVersionError, match=r"kind 'toy'.*constant, linear"):
        load_classifier(version)


def test_a_kind_whose_libraries_are_missing_names_them(
    version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(directory: Path, mapping: object, options: object) -> Classifier:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    monkeypatch.setitem(loading.KINDS, "toy", load)

    with pytest.raises(ModelVersionError, match=r"needs sklearn.*pip install"):
        load_classifier(version)
