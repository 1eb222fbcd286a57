"""A version directory is read only as it was written."""

import os
from pathlib import Path

import pytest

from classifier.manifest import MANIFEST
from classifier.version_files import read_file, read_manifest
from core.errors import ModelVersionError, StorageError
from tests.support.versions import rewrite_manifest, write_toy_version


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return write_toy_version(tmp_path)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelVersionError, match=r"does not exist.*paidan train"):
        read_manifest(tmp_path / "gone")


def test_a_directory_that_the_system_does_not_even_look_for_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read: File name too long"):
        read_manifest(tmp_path / ("x" * 256))


def test_a_missing_manifest_is_refused(version: Path) -> None:
    (version / MANIFEST).unlink()

    with pytest.raises(ModelVersionError, match=r"manifest\.json is missing.*paidan train"):
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


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "link", "deep/../../outside"])
def test_a_file_outside_of_the_directory_is_refused(version: Path, name: str) -> None:
    (version.parent / "outside").write_text("x")
    (version / "link").symlink_to(version.parent / "outside")
    rewrite_manifest(version, files={name: "00"})

    with pytest.raises(ModelVersionError, match="outside of its directory"):
        read_manifest(version)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "circle", "", "x" * 300])
def test_a_name_that_no_file_has_is_refused_on_one_line(version: Path, name: str) -> None:
    (version / "circle").symlink_to("circle")
    rewrite_manifest(version, files={name: "00"})

    with pytest.raises(ModelVersionError, match=r"manifest\.json.*paidan train") as refused:
        read_manifest(version)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize("name", ["weights", MANIFEST])
def test_what_is_no_file_is_refused_and_not_waited_for(version: Path, name: str) -> None:
    path = version / name
    for make in (Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        path.unlink()
        make(path)

        with pytest.raises(ModelVersionError, match=f"{name} is .*no file|lies outside"):
            read_manifest(version)

        path.rmdir() if path.is_dir() else None
        path.touch()


def test_a_file_that_the_manifest_does_not_list_is_not_read(version: Path) -> None:
    (version / "more").write_text("x")

    with pytest.raises(ModelVersionError, match="does not list more"):
        read_file(version, read_manifest(version), "more")
