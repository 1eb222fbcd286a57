"""A version is exported whole or not at all, and into no folder that holds something."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import InputError, ModelVersionError, StorageError
from db import Database
from registry.export.export import Form, export_version
from tests.support.full_disk import files_up_to
from tests.support.llm_versions import added_base, entered, random_llm
from tests.support.make import add_units

FILES = {
    "adapter": {"adapter_config.json", "adapter_model.safetensors"},
    "merged": {"config.json", "generation_config.json", "model.safetensors"},
}
BOTH = {"README.md", "paidan", "tokenizer.json", "tokenizer_config.json"}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The folder of all versions."""
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def name(database: Database, tmp_path: Path, models: Path) -> str:
    """A registered version."""
    add_units(database)
    return entered(database, random_llm(models, added_base(tmp_path, models, "qwen2")))


@pytest.mark.parametrize("form", ["adapter", "merged"])
def test_each_form_has_its_files(
    database: Database, tmp_path: Path, models: Path, name: str, form: Form
) -> None:
    out = tmp_path / "there" / "out"

    export_version(database, name, models, form, out)

    assert {path.name for path in out.iterdir()} == FILES[form] | BOTH
    assert {path.name for path in (out / "paidan").iterdir()} == {"prompt.json", "head.safetensors"}


def test_an_empty_folder_is_taken_and_a_filled_one_is_left_as_it_is(
    database: Database, tmp_path: Path, models: Path, name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    export_version(database, name, models, "adapter", out)
    (out / "README.md").write_text("mine")

    with pytest.raises(InputError, match="is there already and not empty"):
        export_version(database, name, models, "merged", out)

    assert (out / "README.md").read_text() == "mine"


def test_a_folder_of_any_name_and_a_link_to_an_empty_one_are_taken(
    database: Database, tmp_path: Path, models: Path, name: str
) -> None:
    long, link = tmp_path / ("长" * 85), tmp_path / "link"  # 255 bytes: as long as a name can be
    (tmp_path / "empty").mkdir()
    link.symlink_to(tmp_path / "empty")

    for out in (long, link):
        export_version(database, name, models, "adapter", out)
        assert (out / "README.md").is_file()

    assert link.is_symlink()


def test_a_place_that_cannot_be_an_export_is_refused_and_stays(
    database: Database,
    tmp_path: Path,
    models: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    monkeypatch.chdir(tmp_path / "here")
    before = sorted(tmp_path.rglob("*"))

    for out, error, told in (
        (Path(), InputError, "is where you are: name another folder"),
        (tmp_path / "file", InputError, "is there already"),
        (tmp_path / "circle", InputError, "is there already"),
        (tmp_path / "file" / "out", StorageError, "a folder that is not there yet"),
        (tmp_path / ("x" * 256), StorageError, "File name too long"),
        (models / name / "out", InputError, "where pruning removes them"),
        (models / "llm-of-mine", InputError, "where pruning removes them"),
    ):
        with pytest.raises(error, match=told):
            export_version(database, name, models, "adapter", out)

    assert sorted(tmp_path.rglob("*")) == before


def test_of_two_exports_to_one_folder_at_once_one_is_there_whole(
    database: Database, tmp_path: Path, models: Path, name: str
) -> None:
    out = tmp_path / "exports" / "out"

    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(export_version, database, name, models, "adapter", out) for _ in range(2)
        ]
        faults = [fault for one in both if (fault := one.exception()) is not None]

    assert [type(fault) for fault in faults] == [InputError]
    assert {path.name for path in out.iterdir()} == FILES["adapter"] | BOTH
    assert list(out.parent.iterdir()) == [out]


def test_a_damaged_version_is_not_exported(
    database: Database, tmp_path: Path, models: Path, name: str
) -> None:
    (models / name / "head.safetensors").write_bytes(b"")

    with pytest.raises(ModelVersionError, match=r"head\.safetensors was changed"):
        export_version(database, name, models, "adapter", tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["adapter", "merged"])
def test_a_full_disk_is_told_and_nothing_is_left(
    database: Database, tmp_path: Path, models: Path, name: str, form: Form
) -> None:
    out = tmp_path / "exports" / "out"

    with files_up_to(20_000), pytest.raises(StorageError, match=r"written.*free space"):
        export_version(database, name, models, form, out)

    assert list(out.parent.iterdir()) == []
