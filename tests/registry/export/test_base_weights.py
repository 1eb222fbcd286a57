"""A base's weights as they are served: rounded to NF4 where serving rounds."""

from pathlib import Path

import pytest
import torch

from classifier.model.backbone import load_backbone
from classifier.model.lora import lora_layers
from registry.export.base_weights import served_weights
from tests.support.models import random_base
from tests.support.runners import CPU


@pytest.mark.parametrize("shape", ["qwen2", "odd"])
def test_the_weights_are_those_that_a_worker_computes_with(shape: str, tmp_path: Path) -> None:
    base = random_base(tmp_path / shape, shape)
    backbone = load_backbone(base, "nf4", CPU)
    served = {f"{path}.weight": layer for path, layer in lora_layers(backbone.model)}

    found = dict(served_weights(base, frozenset(served)))

    assert len(served) == 14
    for name, layer in served.items():
        assert torch.equal(found[name], layer.full_weight())


def test_a_matrix_that_is_not_rounded_is_the_files(tmp_path: Path) -> None:
    base = random_base(tmp_path / "base")
    plain = dict(served_weights(base, frozenset()))

    rounded = dict(served_weights(base, frozenset({"model.layers.0.mlp.up_proj.weight"})))

    changed = [name for name in plain if not torch.equal(plain[name], rounded[name])]
    assert changed == ["model.layers.0.mlp.up_proj.weight"]
