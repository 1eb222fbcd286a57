"""A base model in memory: loaded once, shared by the adapters that answer with it."""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from classifier.model import attention
from classifier.model.bases.base import Base
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.device import check_mode, compute_dtype, pick_device
from classifier.model.lora import replace_linears
from classifier.model.memory import limit_memory
from classifier.model.mode import Mode
from classifier.model.quantization import quantization
from classifier.model.runner import Runner
from classifier.model.runner_choice import choose_runner
from core.errors import ModelVersionError

# Its bar of files loaded is no news for an operator.
transformers_logging.disable_progress_bar()


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
        runner: runs packs through it.
    """

    base: Base
    tokenizer: Any
    model: Any
    dtype: torch.dtype
    device: torch.device
    mode: Mode
    runner: Runner
    _active: "weakref.ref[Any] | None" = field(default=None, init=False, repr=False)

    @property
    def active_engine(self) -> Any:
        """The engine whose adapter and prefix the runner has; None where no engine's are there."""
        return None if self._active is None else self._active()

    @active_engine.setter
    def active_engine(self, engine: Any) -> None:
        self._active = None if engine is None else weakref.ref(engine)

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
    """Load a base, or return the one that a classifier of this process has loaded.

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
    check_mode(mode, device)
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
    runner = choose_runner(model, mode, token_budget, gpu_memory)
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
