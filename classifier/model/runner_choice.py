"""Which runner a loaded model gets: the compiled one where it works, else the plain one."""

import importlib.util
import logging
import os
import shutil
from typing import Any

from classifier.model.eager import EagerRunner
from classifier.model.lora import lora_layers
from classifier.model.memory import fit
from classifier.model.mode import Mode
from classifier.model.nf4 import BLOCK
from classifier.model.rotary import BY_LENGTH
from classifier.model.runner import TOKEN_BUDGET, Runner
from core.errors import DeviceError

logger = logging.getLogger(__name__)


def choose_runner(
    model: Any, mode: Mode, token_budget: int | None, gpu_memory: int | None
) -> Runner:
    """Return a runner for a loaded model.

    Args:
        model: of transformers, with ``LoraLinear`` layers.
        mode: how its weights will be kept.
        token_budget: see ``load_backbone``.
        gpu_memory: see ``load_backbone``.

    Raises:
        DeviceError: the GPU's memory is too small, or the mode needs what cannot be compiled.
    """
    if model.device.type != "cuda":
        return EagerRunner(model, token_budget or TOKEN_BUDGET)
    hindrance = _hindrance(model, mode)
    if hindrance is None:
        from classifier.model.compiled import CompiledRunner

        return CompiledRunner(model, mode, *fit(model, mode, gpu_memory, token_budget))
    if mode in ("bf16", "fp8"):
        raise DeviceError(f"mode {mode} needs compiled layers, but {hindrance}")
    logger.warning(
        "the LLM is read without compiled layers, many times slower: %s",
        hindrance,
        extra={"action": "compilation.refused", "mode": mode},
    )
    return EagerRunner(model, fit(model, mode, gpu_memory, token_budget).token_budget)


def _hindrance(model: Any, mode: Mode) -> str | None:
    """Return why layers cannot be compiled here, or None where they can."""
    if os.environ.get("TORCHDYNAMO_DISABLE") == "1":
        return "TORCHDYNAMO_DISABLE is set"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if not any(map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))):
        return "there is no C compiler (install gcc)"
    if model.config.rope_parameters["rope_type"] in BY_LENGTH:
        return "its rotary embeddings change with the length of a text"
    widths = {layer.in_features for _, layer in lora_layers(model)}
    odd = [width for width in widths if width % (2 * BLOCK)]
    return f"a layer's width, {odd[0]}, is no multiple of 128" if odd and mode != "full" else None
