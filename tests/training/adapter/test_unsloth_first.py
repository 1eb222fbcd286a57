"""Unsloth changes transformers, peft and trl as they are imported: it must come first."""

import ast
import importlib.util
import os
import subprocess
import sys
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


# What unsloth_zoo 2026.10 does when it is imported; it can be only where a GPU is.
UNSLOTH = """
import os
os.environ["TORCHINDUCTOR_AUTOTUNE_REMOTE_CACHE"] = "1"
"""
PROGRAM = """
import torch
torch.cuda.is_available = lambda: True
from training.adapter import unsloth_first
from torch._inductor import config
from torch._inductor.runtime.autotune_cache import inductor_meta_from_config
print(unsloth_first.AVAILABLE, config.autotune_remote_cache)
print(inductor_meta_from_config()["autotune_remote_cache"])
"""


def test_nothing_that_is_compiled_goes_to_a_redis(tmp_path: Path) -> None:
    (tmp_path / "unsloth").mkdir()
    (tmp_path / "unsloth" / "__init__.py").write_text(UNSLOTH)
    paths = os.pathsep.join([str(tmp_path), str(FOLDER.parent.parent)])

    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == ["True", "False", "False"]
