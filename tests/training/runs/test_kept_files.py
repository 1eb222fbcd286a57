"""What a run's recipe names is checked when it is asked for, and kept for later runs."""

import json
from pathlib import Path

import pytest

from classifier.labels.template import load_template
from core.errors import InputError, StorageError
from tests.support.cli import jsonl, write
from training.gate.tickets import text_hash
from training.runs.kept_files import keep_files

RECIPE = "[soft]\nfile = '../soft.jsonl'\n[data]\ntemplate = 'own.txt'\n"
LINE = {"text": "路灯坏了", "units": {"A": 0.7, "B": 0.3}}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "recipes"
    folder.mkdir()
    jsonl(tmp_path / "soft.jsonl", LINE)
    write(folder / "own.txt", load_template("short").text + "\n")
    return write(folder / "r.toml", RECIPE)


def keep(recipe: Path, models: Path) -> dict[str, str]:
    return keep_files(recipe.read_text("utf-8"), recipe, models, "AB")


def test_copies_are_made_without_the_tickets_texts(recipe: Path, tmp_path: Path) -> None:
    kept = keep(recipe, tmp_path / "models")

    soft, template = (tmp_path / "models" / kept[name] for name in ("soft.file", "data.template"))
    assert json.loads(soft.read_text("utf-8")) == {
        "sha256": text_hash("路灯坏了"),
        "units": {"A": 0.7, "B": 0.3},
    }
    assert load_template(str(template)) == load_template("short")
    assert keep(recipe, tmp_path / "models") == kept


def test_a_recipe_that_names_no_file_keeps_none(tmp_path: Path) -> None:
    assert keep(write(tmp_path / "r.toml", "[lora]\nr = 8\n"), tmp_path / "models") == {}
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("no soft labels", r"soft labels .*recipes/\.\./soft\.jsonl cannot be read"),
        ("an unknown unit", r"soft\.jsonl line 1: unit X is not in the taxonomy"),
        ("no template", r"template .*own\.txt.* cannot be read"),
        ("no TOML", r"r\.toml is not TOML"),
    ],
)
def test_what_is_missing_or_malformed_is_told_at_once(
    recipe: Path, tmp_path: Path, harm: str, told: str
) -> None:
    if harm == "no soft labels":
        (tmp_path / "soft.jsonl").unlink()
    elif harm == "an unknown unit":
        jsonl(tmp_path / "soft.jsonl", LINE | {"units": {"X": 1.0}})
    elif harm == "no template":
        (recipe.parent / "own.txt").unlink()
    else:
        recipe.write_text("[soft", "utf-8")

    with pytest.raises(InputError, match=told):
        keep(recipe, tmp_path / "models")


def test_a_folder_that_cannot_be_written_is_told(recipe: Path, tmp_path: Path) -> None:
    write(tmp_path / "models", "a file")

    with pytest.raises(StorageError, match="PAIDAN_MODELS_DIR"):
        keep(recipe, tmp_path / "models")
