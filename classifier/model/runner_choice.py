"""Which runner a loaded model gets: the compiled one where it works, else the plain one."""

import importlib.util
import logging
import os
import shutil
from typing import Any

from classifier.model.conversion import has_fp8
from classifier.model.eager import EagerRunner
from classifier.model.kv_cache import head_size
from classifier.model.lora import lora_layers
from classifier.model.memory import fit
from classifier.model.mode import Mode
from classifier.model.nf4 import is_laid_out
from classifier.model.rotary import BY_LENGTH
from classifier.model.runner import TOKEN_BUDGET, Runner
from core.errors import DeviceError

logger = logging.getLogger(__name__)

# flex_attention's kernel multiplies no smaller ones.
_LEAST_HEAD = 16


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
    hindrance = why_not_compiled(model)
    if hindrance is None:
        from classifier.model.compiled import CompiledRunner

        _tell_of_wide_layers(model, mode)
        return CompiledRunner(model, mode, *fit(model, mode, gpu_memory, token_budget))
    if mode in ("bf16", "fp8"):
        raise DeviceError(f"mode {mode} needs compiled layers, but {hindrance}")
    logger.warning(
        "the LLM is read without compiled layers, many times slower: %s",
        hindrance,
        extra={"action": "compilation.refused", "mode": mode},
    )
    return EagerRunner(model, fit(model, mode, gpu_memory, token_budget).token_budget)


def why_not_compiled(model: Any) -> str | None:
    """Return why a model's layers cannot be compiled here, or None where they can."""
    if os.environ.get("TORCHDYNAMO_DISABLE") == "1":
        return "TORCHDYNAMO_DISABLE is set"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if not any(map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))):
        return "there is no C compiler (install gcc)"
    if model.config.rope_parameters["rope_type"] in BY_LENGTH:
        return "its rotary embeddings change with the length of a text"
    if (size := head_size(model.config)) < _LEAST_HEAD:
        return f"its heads have {size} numbers, attention needs {_LEAST_HEAD}"
    return None


def _tell_of_wide_layers(model: Any, mode: Mode) -> None:
    """Tell of layers that take more memory than the mode says, because of their widths."""
    layers = [layer for _, layer in lora_layers(model)]
    whole = [layer for layer in layers if not is_laid_out(layer.in_features)]
    merged = [layer for layer in layers if not has_fp8(layer.in_features, layer.out_features)]
    odd = {"nf4": whole, "fp8": merged}.get(mode)
    if odd:
        logger.warning(
            "%d of %d layers are kept in bfloat16: widths such as %d do not fit mode %s",
            len(odd),
            len(layers),
            odd[0].in_features,
            mode,
            extra={"action": "layers.widened", "mode": mode, "layers": len(odd)},
        )
