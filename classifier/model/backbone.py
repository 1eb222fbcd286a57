"""A base model in memory: loaded once, shared by the adapters that answer with it."""

import importlib.util
import logging
import os
import shutil
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import torch
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from classifier.model import attention
from classifier.model.base import Base, load_tokenizer
from classifier.model.base_weights import is_quantized
from classifier.model.decoder import ROPE_BY_LENGTH
from classifier.model.lora import lora_layers, replace_linears
from classifier.model.memory import fit, limit_memory
from classifier.model.nf4 import BLOCK
from classifier.model.runner import TOKEN_BUDGET, EagerRunner, Mode, Runner
from core.errors import DeviceError, ModelVersionError

logger = logging.getLogger(__name__)

FP8_CAPABILITY = 8, 9
"""Compute capability of the first GPUs that multiply float8."""

# Its bar of files loaded is no news for an operator.
transformers_logging.disable_progress_bar()


def pick_device() -> torch.device:
    """Return the GPU this process was pinned to, or the CPU where it was pinned to none.

    Raises:
        DeviceError: it was pinned to a GPU that CUDA does not see (any more).
    """
    if torch.cuda.is_available():
        return torch.device("cuda", 0)
    pinned = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if pinned not in ("", "-1"):
        raise DeviceError(
            f"GPU {pinned} is not there: CUDA sees none. Is the card visible to nvidia-smi, and "
            "does torch have CUDA? With --cpu the worker uses none"
        )
    return torch.device("cpu")


def compute_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype of the computation: bfloat16 on a GPU, float32 on a CPU."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def nf4_config(dtype: torch.dtype) -> BitsAndBytesConfig:
    """Return the 4-bit format, in training as in serving: NF4 with double quantisation."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def quantization(base: Base, dtype: torch.dtype) -> dict[str, Any]:
    """Return how transformers shall quantise a base; one in 4 bits stays as it is."""
    if is_quantized(base.path, base.name):
        return {}
    return {"quantization_config": nf4_config(dtype)}


@dataclass(eq=False)
class Backbone:
    """A loaded base.

    Parameters:
        base: its facts.
        tokenizer: of transformers.
        model: of transformers, its linear layers replaced by ``LoraLinear``.
        dtype: of the computation.
        device: where it lies.
        mode: how its weights are kept.
        runner: reads packs with it.
        holder: whose adapter and prefix the runner holds now; see ``Engine``.
    """

    base: Base
    tokenizer: Any
    model: Any
    dtype: torch.dtype
    device: torch.device
    mode: Mode
    runner: Runner
    holder: "weakref.ref[Any] | None" = None

    @property
    def is_held(self) -> bool:
        """Whether an engine answers with it."""
        return self.holder is not None and self.holder() is not None

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        return int(self.tokenizer.eos_token_id)


_loaded: "WeakValueDictionary[tuple[str, str, str], Backbone]" = WeakValueDictionary()


def load_backbone(
    base: Base,
    mode: Mode = "nf4",
    device: torch.device | None = None,
    *,
    token_budget: int | None = None,
    gpu_memory: int | None = None,
) -> Backbone:
    """Load a base, or return it where a classifier already holds it.

    Args:
        base: its facts; its files are checked.
        mode: how the weights are kept.
        device: where; ``pick_device`` by default.
        token_budget: tokens of one forward; on a GPU by default what its memory allows.
        gpu_memory: bytes the process may take on the GPU; by default what is there.

    Raises:
        ModelVersionError: a file was changed or does not load.
        DeviceError: see ``pick_device``; or the GPU's memory is too small.
    """
    device = device or pick_device()
    key = (str(base.path), f"{base.sha256} {mode} {token_budget} {gpu_memory}", str(device))
    backbone = _loaded.get(key)
    if backbone is None:
        base.check()
        if gpu_memory is not None and device.type == "cuda":
            limit_memory(gpu_memory)
        backbone = _load(base, mode, device, token_budget, gpu_memory)
        _loaded[key] = backbone
    return backbone


def _load(
    base: Base, mode: Mode, device: torch.device, token_budget: int | None, gpu_memory: int | None
) -> Backbone:
    dtype = compute_dtype(device)
    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}}
    _check_mode(mode, device)
    if mode != "full":
        options |= quantization(base, dtype)
    try:
        model, told = AutoModelForCausalLM.from_pretrained(
            str(base.path),
            local_files_only=True,
            use_safetensors=True,
            attn_implementation=attention.NAME,
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, KeyError) as error:
        raise _not_loaded(base, error) from error
    check_loaded(base, told)
    model.eval().requires_grad_(requires_grad=False)
    replace_linears(model.model, dtype)
    runner = _runner(model, mode, token_budget, gpu_memory)
    return Backbone(base, load_tokenizer(base), model, dtype, device, mode, runner)


def check_loaded(base: Base, told: Mapping[str, Any]) -> None:
    """Refuse a model of which transformers made a part up.

    Args:
        base: its facts.
        told: transformers' loading info.

    Raises:
        ModelVersionError: weights were missing.
    """
    if missing := sorted(told["missing_keys"]):
        raise ModelVersionError(
            f"base {base.name} at {base.path} lacks {len(missing)} tensors, such as {missing[0]}: "
            "fetch its files again and add it again"
        )


def empty_model(base: Base) -> Any:
    """Return a base's model without its weights, to compare shapes with.

    Raises:
        ModelVersionError: its configuration cannot be read.
    """
    try:
        config = AutoConfig.from_pretrained(str(base.path), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise _not_loaded(base, error) from error
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    replace_linears(model.model, torch.float32)
    return model


def _not_loaded(base: Base, error: Exception) -> ModelVersionError:
    return ModelVersionError(f"base {base.name} at {base.path} does not load: {error}")


def _check_mode(mode: Mode, device: torch.device) -> None:
    """Refuse a mode that the device does not compute."""
    if mode in ("bf16", "fp8") and device.type != "cuda":
        raise DeviceError(f"mode {mode} needs a GPU; on the CPU there are nf4 and full")
    if mode == "fp8" and (has := torch.cuda.get_device_capability(device)) < FP8_CAPABILITY:
        raise DeviceError(
            f"mode fp8 needs a GPU of compute capability {_dotted(FP8_CAPABILITY)} (RTX 40, L40, "
            f"H100) or more, this one has {_dotted(has)}: choose PAIDAN_MODEL_MODE=nf4"
        )


def _dotted(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))


def _runner(model: Any, mode: Mode, token_budget: int | None, gpu_memory: int | None) -> Runner:
    """Return the compiled runner where it works, else the plain one."""
    if model.device.type != "cuda":
        return EagerRunner(model, token_budget or TOKEN_BUDGET)
    hindrance = _hindrance(model, mode)
    if hindrance is None:
        from classifier.model.compiled import CompiledRunner

        return CompiledRunner(model, mode, *fit(model, mode, gpu_memory, token_budget))
    if mode in ("bf16", "fp8"):
        raise DeviceError(f"mode {mode} needs compiled layers, but {hindrance}")
    logger.warning("the LLM is read without compiled layers, many times slower: %s", hindrance)
    return EagerRunner(model, fit(model, mode, gpu_memory, token_budget).token_budget)


def _hindrance(model: Any, mode: Mode) -> str | None:
    """Return why layers cannot be compiled here, or None where they can."""
    if os.environ.get("TORCHDYNAMO_DISABLE") == "1":
        return "TORCHDYNAMO_DISABLE is set"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if not any(map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))):
        return "there is no C compiler (install gcc)"
    if model.config.rope_parameters["rope_type"] in ROPE_BY_LENGTH:
        return "its rotary embeddings change with the length of a text"
    widths = {layer.in_features for _, layer in lora_layers(model)}
    odd = [width for width in widths if width % (2 * BLOCK)]
    return f"a layer's width, {odd[0]}, is no multiple of 128" if odd and mode != "full" else None
