"""A base in memory, shared by those who answer with it."""

import gc
import weakref
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from classifier.model.backbone import check_loaded, empty_model, load_backbone
from classifier.model.bases.base import Base, examine
from classifier.model.bases.files import WEIGHTS
from classifier.model.lora import lora_layers
from core.errors import ModelVersionError
from tests.support.bases import HEAD, rewrite
from tests.support.models import random_base
from tests.support.runners import CPU


class Answering:
    """Stands for an engine."""


def test_a_base_is_loaded_once_for_each_mode(base: Base) -> None:
    full = load_backbone(base, "full", CPU)

    assert load_backbone(base, "full", CPU) is full
    assert load_backbone(base, "nf4", CPU) is not full
    assert (full.mode, full.device, full.dtype) == ("full", CPU, torch.float32)
    assert full.end == full.tokenizer.eos_token_id


def test_a_backbone_does_not_keep_the_engine_whose_adapter_it_has(base: Base) -> None:
    backbone, engine = load_backbone(base, "full", CPU), Answering()
    backbone.active_engine = engine
    assert backbone.active_engine is engine

    del engine
    gc.collect()

    assert backbone.active_engine is None


def test_a_backbone_that_nobody_has_is_let_go(tmp_path: Path) -> None:
    backbone = weakref.ref(load_backbone(random_base(tmp_path / "once"), "full", CPU))
    gc.collect()

    assert backbone() is None


def test_a_model_without_weights_has_the_shapes_of_the_loaded_one(base: Base) -> None:
    def shapes(model: object) -> list[tuple[str, int, int]]:
        layers = lora_layers(model)  # type: ignore[arg-type]
        return [(path, layer.in_features, layer.out_features) for path, layer in layers]

    empty = empty_model(base)

    assert shapes(empty) == shapes(load_backbone(base, "full", CPU).model)
    assert all(parameter.is_meta for parameter in empty.parameters())


def test_a_base_whose_weights_were_exchanged_is_not_loaded(tmp_path: Path) -> None:
    base = random_base(tmp_path / "tiny")
    (base.path / WEIGHTS).write_bytes(b"")

    with pytest.raises(ModelVersionError, match="was changed since"):
        load_backbone(base, "full", CPU)


def test_weights_that_transformers_made_up_are_refused_after_loading(tmp_path: Path) -> None:
    source = random_base(tmp_path / "tiny").path
    base = examine(source, "old")
    rewrite(source, lambda tensors: tensors.pop(HEAD))

    _, told = AutoModelForCausalLM.from_pretrained(str(source), output_loading_info=True)

    with pytest.raises(ModelVersionError, match=f"lacks 1 tensors, such as {HEAD}"):
        check_loaded(base, told)
