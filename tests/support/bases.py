"""Ways to spoil a base's directory, and how it is refused then."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from classifier.model.bases.entries import add_base
from classifier.model.bases.files import INDEX, WEIGHTS
from core.errors import ModelVersionError

Tensors = dict[str, torch.Tensor]
HEAD, QUERY = "lm_head.weight", "model.layers.0.self_attn.q_proj.weight"


def configure(source: Path, **values: object) -> None:
    path = source / "config.json"
    kept = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in kept.items() if value is not None}))


def rewrite(source: Path, change: Callable[[Tensors], object]) -> None:
    tensors = load_file(source / WEIGHTS)
    change(tensors)
    save_file(tensors, source / WEIGHTS, metadata={"format": "pt"})


def shard(source: Path) -> None:
    tensors = load_file(source / WEIGHTS)
    (source / WEIGHTS).unlink()
    places = {}
    for number, keys in enumerate((sorted(tensors)[::2], sorted(tensors)[1::2]), 1):
        name = f"model-0000{number}-of-00002.safetensors"
        save_file({key: tensors[key] for key in keys}, source / name, metadata={"format": "pt"})
        places |= dict.fromkeys(keys, name)
    (source / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))


def assert_refused(source: Path, bases_dir: Path, told: str) -> None:
    """Assert that a base called tiny is not added, and that one line tells why."""
    with pytest.raises(ModelVersionError, match=r"^base tiny: ") as refused:
        add_base(str(source), bases_dir)

    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not bases_dir.exists()
