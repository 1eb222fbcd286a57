"""Where a version comes from is told as it was, also by an installed Paidan."""

import subprocess
from pathlib import Path

import pytest

from classifier.manifest import BaseReference, Manifest
from paidan import __version__
from registry.lineage import Origin, commit, lineage_of, paidan_version
from tests.support.versions import a_manifest

BASE = BaseReference(name="7b", sha256="ab")


def git(folder: Path, *arguments: str) -> str:
    person = ["-c", "user.name=li", "-c", "user.email=li@example.org"]
    ran = subprocess.run(
        ["git", "-C", str(folder), *person, *arguments], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "code.py").write_text("1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "tag", "v1")
    return folder


def test_a_checkout_tells_its_commit_and_whether_files_were_changed(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")

    assert commit(checkout) == head
    (checkout / "code.py").write_text("2\n")
    assert commit(checkout) == f"{head}-dirty"


def test_a_repository_around_an_installed_paidan_is_somebody_elses(checkout: Path) -> None:
    installed = checkout / ".venv" / "site-packages"
    installed.mkdir(parents=True)

    assert commit(installed) is None


def test_where_git_is_missing_there_is_no_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    assert commit(checkout) is None


def test_a_lineage_has_what_is_known_and_a_hash_of_the_settings() -> None:
    origin = Origin(parent="v1", snapshot="cd", run=3)

    made = lineage_of(origin, {"b": 1, "a": "统"}, BASE)

    assert (made.base, made.parent, made.snapshot, made.run) == (BASE, "v1", "cd", 3)
    assert made.paidan == paidan_version() == __version__
    same = lineage_of(Origin(), {"a": "统", "b": 1}, None)
    other = lineage_of(Origin(), {"a": "统", "b": 2}, None)
    assert made.recipe_sha256 == same.recipe_sha256 != other.recipe_sha256


def test_a_manifest_of_before_there_was_a_lineage_is_read() -> None:
    before = a_manifest().model_dump(mode="json")
    del before["lineage"]

    assert Manifest.model_validate(before).lineage is None
