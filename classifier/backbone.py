"""A base model in memory: loaded once, shared by the adapters that answer with it."""

import os
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakValueDictionary

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from classifier import attention
from classifier.base import Base, load_tokenizer
from classifier.lora import replace_linears
from paidan.errors import DeviceError, ModelVersionError

# Its bar of files loaded is no news for an operator.
transformers_logging.disable_progress_bar()

Mode = Literal["nf4", "full"]
"""How weights are kept: in 4 bits, or in the dtype of the computation."""


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


@dataclass(eq=False)
class Backbone:
    """A loaded base.

    Parameters:
        base: its facts.
        tokenizer: of transformers.
        model: of transformers, its linear layers replaced by ``LoraLinear``.
        dtype: of the computation.
        device: where it lies.
    """

    base: Base
    tokenizer: Any
    model: Any
    dtype: torch.dtype
    device: torch.device

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        return int(self.tokenizer.eos_token_id)

    def new_store(self, capacity: int) -> attention.KeyValueStore:
        """Return an empty store for this model's keys and values."""
        config = self.model.config
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return attention.KeyValueStore(
            config.num_hidden_layers,
            config.num_key_value_heads,
            size,
            dtype=self.dtype,
            device=self.device,
            capacity=capacity,
        )

    @torch.inference_mode()
    def read(self, pack: attention.Pack) -> torch.Tensor:
        """Run the layers over a pack; return (tokens, hidden)."""
        out = self.model.model(
            input_ids=pack.input_ids,
            position_ids=pack.position_ids,
            use_cache=False,
            pack=pack,
        )
        hidden: torch.Tensor = out.last_hidden_state[0]
        return hidden

    @torch.inference_mode()
    def log_probs(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (n, vocabulary) float32 log-probabilities of what follows each of n tokens."""
        return torch.log_softmax(self.model.lm_head(hidden).float(), dim=-1)


_loaded: "WeakValueDictionary[tuple[str, str, str], Backbone]" = WeakValueDictionary()


def load_backbone(base: Base, mode: Mode = "nf4", device: torch.device | None = None) -> Backbone:
    """Load a base, or return it where a classifier already holds it.

    Args:
        base: its facts; its files are checked.
        mode: how the weights are kept.
        device: where; ``pick_device`` by default.

    Raises:
        ModelVersionError: a file was changed or does not load.
        DeviceError: see ``pick_device``.
    """
    device = device or pick_device()
    key = (str(base.path), f"{base.sha256} {mode}", str(device))
    backbone = _loaded.get(key)
    if backbone is None:
        base.check()
        backbone = _load(base, mode, device)
        _loaded[key] = backbone
    return backbone


def _load(base: Base, mode: Mode, device: torch.device) -> Backbone:
    dtype = compute_dtype(device)
    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}}
    if mode == "nf4":
        options["quantization_config"] = nf4_config(dtype)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(base.path),
            local_files_only=True,
            use_safetensors=True,
            attn_implementation=attention.NAME,
            **options,
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelVersionError(
            f"base {base.name} at {base.path} does not load: {error}"
        ) from error
    model.eval().requires_grad_(requires_grad=False)
    replace_linears(model.model, dtype)
    return Backbone(base, load_tokenizer(base), model, dtype, device)
