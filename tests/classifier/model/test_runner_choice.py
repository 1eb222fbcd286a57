"""Which runner a model gets."""

import logging
import shutil
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from classifier.model import compiled, runner_choice
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.eager import EagerRunner
from classifier.model.lora import replace_linears
from classifier.model.memory import Fit
from classifier.model.mode import Mode
from classifier.model.runner_choice import choose_runner
from core.errors import DeviceError
from tests.support.runners import CPU


def test_on_the_cpu_the_plain_runner_answers_within_the_budget(base: Base) -> None:
    model = load_backbone(base, "full", CPU).model

    runner = choose_runner(model, "full", 640, None)

    assert isinstance(runner, EagerRunner)
    assert runner.token_budget == 640


@pytest.fixture
def on_cuda(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model that says it is on a GPU, with all that compiling needs."""
    monkeypatch.setattr(runner_choice.importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(runner_choice, "fit", lambda *_: Fit(1024, 4096))
    monkeypatch.setattr(runner_choice, "EagerRunner", lambda _, budget: ("eager", budget))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/cc")
    monkeypatch.delenv("TORCHDYNAMO_DISABLE", raising=False)
    return gpu_model()


def gpu_model(width: int = 256, rope_type: str = "default", head: int = 64) -> Any:
    model = nn.Sequential(nn.Linear(width, 128))
    replace_linears(model, torch.float32)
    model.device = torch.device("cuda")  # type: ignore[assignment]
    model.config = SimpleNamespace(rope_parameters={"rope_type": rope_type}, head_dim=head)  # type: ignore[assignment]
    return model


@pytest.mark.parametrize(
    ("hinder", "told"),
    [
        (lambda m: m.setenv("TORCHDYNAMO_DISABLE", "1"), "TORCHDYNAMO_DISABLE is set"),
        (
            lambda m: m.setattr(runner_choice.importlib.util, "find_spec", lambda _: None),
            "triton is not installed",
        ),
        (lambda m: m.setattr(shutil, "which", lambda _: None), "there is no C compiler"),
    ],
)
def test_what_hinders_compiling_is_told_and_the_plain_runner_answers(
    on_cuda: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    hinder: Any,
    told: str,
) -> None:
    hinder(monkeypatch)

    with caplog.at_level(logging.WARNING):
        runner: Any = choose_runner(on_cuda, "nf4", None, None)

    assert runner == ("eager", 1024)
    assert told in caplog.text
    with pytest.raises(DeviceError, match=f"mode fp8 needs compiled layers, but {told}"):
        choose_runner(on_cuda, "fp8", None, None)


@pytest.mark.usefixtures("on_cuda")
@pytest.mark.parametrize(
    ("model", "told"),
    [
        (gpu_model(head=8), "its heads have 8 numbers, attention needs 16"),
        (gpu_model(rope_type="dynamic"), "its rotary embeddings change with the length of a text"),
    ],
)
def test_a_model_that_the_kernels_do_not_serve_is_told(model: Any, told: str) -> None:
    with pytest.raises(DeviceError, match=told):
        choose_runner(model, "bf16", None, None)


@pytest.mark.usefixtures("on_cuda")
@pytest.mark.parametrize(
    ("width", "mode", "told"),
    [
        (576, "nf4", ""),
        (208, "nf4", "1 of 1 layers are kept in bfloat16: widths such as 208 do not fit mode nf4"),
        (208, "fp8", ""),
        (200, "fp8", "widths such as 200 do not fit mode fp8"),
        (200, "bf16", ""),
    ],
)
def test_layers_of_any_width_are_compiled_and_what_takes_more_memory_is_told(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    width: int,
    mode: Mode,
    told: str,
) -> None:
    monkeypatch.setattr(compiled, "CompiledRunner", lambda _, mode, *fits: (mode, *fits))

    with caplog.at_level(logging.WARNING):
        runner: Any = choose_runner(gpu_model(width), mode, None, None)

    assert runner == (mode, 1024, 4096)
    assert (told in caplog.text) if told else not caplog.text
