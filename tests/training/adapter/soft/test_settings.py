"""The recipe's section of soft labels names one teacher, or none."""

from pathlib import Path

import pytest

from core.errors import InputError
from training.adapter.recipe import Recipe


def read(folder: Path, text: str) -> Recipe:
    file = folder / "recipe.toml"
    file.write_text(text)
    return Recipe.read(file)


def test_nothing_teaches_by_default(tmp_path: Path) -> None:
    assert Recipe.read().soft.source is None
    taught = read(tmp_path, "[soft]\nversion = 'linear-1'\ntemperature = 2\n")

    assert (taught.soft.source, taught.soft.weight, taught.soft.temperature) == ("linear-1", 0.5, 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version = 'a'\nfile = 'b'", "version and file cannot both teach"),
        ("weight = 0.7", "nothing teaches: name a version or a file"),
        ("file = 'b'\nweight = 0", "soft.weight"),
        ("file = 'b'\nweight = 1.1", "soft.weight"),
        ("file = 'b'\ntemperature = 0", "soft.temperature"),
        ("file = 'b'\n[training]\nlabel_smoothing_factor = 0.1", "label_smoothing_factor cannot"),
        ("file = 'b'\n[lora]\ntarget_modules = ['lm_head']", "lm_head cannot be used with soft"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=r"recipe\.toml") as refused:
        read(tmp_path, f"[soft]\n{text}")
    assert told in str(refused.value)


def test_the_fast_path_takes_soft_labels_and_mixed_thoughts(tmp_path: Path) -> None:
    recipe = read(tmp_path, "[compute]\npath='fast'\n[soft]\nfile='b'\n[data]\nthoughts='mixed'\n")

    assert (recipe.soft.file, recipe.data.thoughts) == (str(tmp_path / "b"), "mixed")
