"""A version directory is written whole or not at all."""

import errno
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from classifier.version_files import read_file, read_manifest
from core.errors import ModelVersionError, StorageError
from registry.writer import TrainedVersion, make_name, move_version, write_version
from tests.support.versions import NAME, a_manifest, write_toy_files, write_toy_version


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return write_toy_version(tmp_path)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = write_version(tmp_path / "models" / NAME, a_manifest(), write_toy_files)

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
        write_version(tmp_path / name, a_manifest(name), write_toy_files)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_leaves_nothing_and_is_named(tmp_path: Path, code: int) -> None:
    def fail(directory: Path) -> None:
        write_toy_files(directory)
        raise OSError(code, os.strerror(code), str(directory / "weights"))

    with pytest.raises(StorageError, match=rf"{tmp_path}.*{os.strerror(code)}.*PAIDAN_MODELS_DIR"):
        write_version(tmp_path / NAME, a_manifest(), fail)

    assert list(tmp_path.iterdir()) == []


def test_a_models_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")

    with pytest.raises(StorageError, match=str(tmp_path / "models")):
        write_version(tmp_path / "models" / NAME, a_manifest(), write_toy_files)


def test_a_crash_in_training_leaves_no_half_version(tmp_path: Path) -> None:
    def crash(directory: Path) -> None:
        write_toy_files(directory)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_version(tmp_path / NAME, a_manifest(), crash)

    assert list(tmp_path.iterdir()) == []


def test_names_are_utc_and_sort_by_time() -> None:
    late = datetime(2026, 11, 24, 4, 15, 30, tzinfo=timezone(timedelta(hours=8)))
    earlier = late - timedelta(seconds=1)

    assert make_name("linear", late, "ab12cd34") == "linear-20261123-201530-ab12cd"
    assert make_name("linear", earlier, "ff") < make_name("linear", late, "00")


def test_a_version_is_moved_whole_and_over_no_other(tmp_path: Path, version: Path) -> None:
    models = tmp_path / "others"
    models.mkdir()
    made = TrainedVersion(version, read_manifest(version))

    moved = move_version(made, models)

    assert moved.path == models / version.name
    assert read_manifest(moved.path) == made.manifest
    assert not version.exists()
    with pytest.raises(ModelVersionError, match="never overwritten"):
        move_version(moved, models)


def test_a_version_that_cannot_be_moved_is_named(tmp_path: Path, version: Path) -> None:
    made = TrainedVersion(version, read_manifest(version))

    with pytest.raises(StorageError, match=made.name):
        move_version(made, tmp_path / "missing")
