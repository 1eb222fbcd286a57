"""Unsloth changes transformers, peft and trl as they are imported: it must come first."""

import ast
import importlib.util
from pathlib import Path

import pytest
import torch

from training.adapter import unsloth_first

FOLDER = Path(unsloth_first.__file__).parent
CHANGED = ("transformers", "peft", "trl", "classifier.model", "classifier.llm", "classifier.engine")


def imported(path: Path) -> list[str]:
    """The modules that a file imports when it is imported itself, in this order."""
    names: list[str] = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_no_file_imports_what_unsloth_changes_before_it(path: Path) -> None:
    names = imported(path)
    changed = [n for n, name in enumerate(names) if name.startswith(CHANGED)]

    if changed:
        assert "training.adapter.unsloth_first" in names[: changed[0]]


def test_it_is_used_where_it_is_installed_and_a_gpu_is_there() -> None:
    installed = importlib.util.find_spec("unsloth") is not None

    assert (installed and torch.cuda.is_available()) == unsloth_first.AVAILABLE
