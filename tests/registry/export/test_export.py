"""A version is exported whole or not at all, and into no folder that holds something."""

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
def name(database: Database, tmp_path: Path) -> str:
    """A registered version in the folder ``tmp_path``."""
    add_units(database)
    return entered(database, random_llm(tmp_path, added_base(tmp_path, tmp_path, "qwen2")))


@pytest.mark.parametrize("form", ["adapter", "merged"])
def test_each_form_has_its_files(database: Database, tmp_path: Path, name: str, form: Form) -> None:
    out = tmp_path / "there" / "out"

    export_version(database, name, tmp_path, form, out)

    assert {path.name for path in out.iterdir()} == FILES[form] | BOTH
    assert {path.name for path in (out / "paidan").iterdir()} == {"prompt.json", "head.safetensors"}


def test_an_empty_folder_is_taken_and_a_filled_one_is_left_as_it_is(
    database: Database, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    export_version(database, name, tmp_path, "adapter", out)
    (out / "README.md").write_text("mine")

    with pytest.raises(InputError, match="is there already and not empty"):
        export_version(database, name, tmp_path, "merged", out)

    assert (out / "README.md").read_text() == "mine"


def test_a_damaged_version_is_not_exported(database: Database, tmp_path: Path, name: str) -> None:
    (tmp_path / name / "head.safetensors").write_bytes(b"")

    with pytest.raises(ModelVersionError, match=r"head\.safetensors was changed"):
        export_version(database, name, tmp_path, "adapter", tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["adapter", "merged"])
def test_a_full_disk_is_told_and_nothing_is_left(
    database: Database, tmp_path: Path, name: str, form: Form
) -> None:
    out = tmp_path / "exports" / "out"

    with files_up_to(20_000), pytest.raises(StorageError, match=r"written.*free space"):
        export_version(database, name, tmp_path, form, out)

    assert list(out.parent.iterdir()) == []
