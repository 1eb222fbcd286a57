"""Adapters that do not fit are refused, with what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save
from torch import nn

from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.lora import Adapter, replace_linears
from core.errors import ModelVersionError

KEY = "base_model.model.layer.q_proj.lora_{}.weight"
Tensors = dict[str, torch.Tensor]


class Model(nn.Module):
    """One layer with two linear parts."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleDict({"q_proj": nn.Linear(8, 6), "other": nn.Linear(6, 6)})


@pytest.fixture
def model() -> nn.Module:
    model = Model()
    replace_linears(model, torch.float32)
    return model


def whole() -> Tensors:
    return {KEY.format("A"): torch.randn(2, 8), KEY.format("B"): torch.randn(6, 2)}


def parse(model: nn.Module, tensors: Tensors | bytes, **config: Any) -> Adapter:
    said = {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], **config}
    weights = tensors if isinstance(tensors, bytes) else save(tensors)
    return parse_adapter(Path("v"), json.dumps(said).encode(), weights, model)


def test_a_fitting_adapter_is_taken_with_its_scale(model: nn.Module) -> None:
    [layer] = parse(model, whole()).layers.values()

    assert layer.scale == 2.0
    assert layer.a.shape == (2, 8)


def drop(part: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {k: v for k, v in tensors.items() if f"lora_{part}" not in k}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop("A"), "lacks layer.q_proj.lora_A.weight"),
        (drop("B"), "lacks layer.q_proj.lora_B.weight"),
        (lambda t: {k: v.repeat(2, 1) for k, v in t.items()}, "is expected"),
        (lambda t: {k: torch.full_like(v, torch.nan) for k, v in t.items()}, "not finite"),
        (lambda t: {k: torch.full_like(v, torch.inf) for k, v in t.items()}, "not finite"),
        (lambda t: {k: v.double() for k, v in t.items()}, "is of type 'F64'"),
        (lambda t: {k: v.to(torch.float8_e4m3fn) for k, v in t.items()}, "is of type 'F8_E4M3'"),
        (lambda t: {k: v.int() for k, v in t.items()}, "is of type 'I32'"),
        (lambda t: t | {KEY.replace("q_proj", "k_proj").format("A"): torch.ones(2, 8)}, "k_proj"),
        (lambda t: t | {"lm_head.weight": torch.ones(1)}, "no layer's A or B"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    model: nn.Module, change: Callable[[Tensors], Tensors], told: str
) -> None:
    with pytest.raises(ModelVersionError, match=WEIGHTS) as refused:
        parse(model, change(whole()))
    assert told in str(refused.value)


def test_an_adapter_of_another_rank_is_refused(model: nn.Module) -> None:
    with pytest.raises(ModelVersionError, match=r"\(4, 8\) is expected"):
        parse(model, whole(), r=4)


@pytest.mark.parametrize(
    "config",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"modules_to_save": ["lm_head"]},
        {"alora_invocation_tokens": [1]},
        {"peft_type": "LOHA"},
        {"bias": "all"},
        {"init_lora_weights": "pissa"},
        {"r": 0},
        {"r": 2.5},
        {"r": float("inf")},
        {"lora_alpha": float("nan")},
        {"lora_alpha": float("inf")},
        {"lora_alpha": 10**400},
        {"lora_alpha": 0},
        {"target_modules": "q_proj"},
    ],
)
def test_a_form_that_is_not_served_is_refused(model: nn.Module, config: dict[str, Any]) -> None:
    with pytest.raises(ModelVersionError, match=CONFIG):
        parse(model, whole(), **config)


def test_weights_that_the_layers_type_cannot_hold_are_refused() -> None:
    model = Model()
    replace_linears(model, torch.float16)
    large = {key: torch.full_like(tensor, 1e6) for key, tensor in whole().items()}

    with pytest.raises(ModelVersionError, match="not finite"):
        parse(model, large)


def test_files_of_another_kind_are_refused(model: nn.Module) -> None:
    with pytest.raises(ModelVersionError, match="not a safetensors file"):
        parse(model, b"pickle")
    with pytest.raises(ModelVersionError, match="not an adapter's configuration"):
        parse_adapter(Path("v"), b"{}", save(whole()), model)
    with pytest.raises(ModelVersionError, match="nested too deeply"):
        parse_adapter(Path("v"), b"[" * 99_999, save(whole()), model)


def test_an_adapter_for_no_layer_is_refused(model: nn.Module) -> None:
    with pytest.raises(ModelVersionError, match="no layer at all"):
        parse(model, {}, target_modules=["gate_proj"])


def test_what_peft_writes_is_what_is_read(tmp_path: Path, model: nn.Module) -> None:
    (tmp_path / WEIGHTS).write_bytes(save(whole()))

    assert parse(model, load_file(tmp_path / WEIGHTS)).layers.keys() == {"layer.q_proj"}
