"""How many tokens a forward may have, and how many are cached, by the GPU's memory."""

from itertools import repeat
from typing import Any, NamedTuple

import torch

from classifier.model.conversion import has_fp8
from classifier.model.kv_cache import PAGE, head_size
from classifier.model.logits import LOGIT_ROWS
from classifier.model.lora import lora_layers
from classifier.model.mode import Mode
from classifier.model.nf4 import is_laid_out
from classifier.model.runner import TOKEN_BUDGET
from core.errors import DeviceError

_GIB = 1 << 30
# Forwards whose keys and values are cached at once. At least: the one that runs, the next one, the
# one whose answers are taken, and the labels of searches that go on. With less, every other forward
# starts only when the one before has ended. At most: a ticket's stay until its search ends, which
# takes two forwards for each step.
LEAST_CACHED, MOST_CACHED = 3.5, 8.0
# A forward of fewer tokens is hardly cheaper than one of so many: such a card is too small.
_LEAST_TOKENS = 1024
# Half for the CUDA context and compiled kernels, half for what the CUDA graphs of a 7B keep. Of a
# larger model some sizes may find no room; those are not recorded.
_RUNTIME_BYTES = _GIB
# Adapters of two versions are there while one takes the other's place; for the rank see
# ``LoraRecipe.r``.
_RANK, _ADAPTERS = 64, 3
# Bytes that a weight of the linear layers takes beside its NF4 form, which stays for the next
# adapter.
_CONVERTED_BYTES: dict[Mode, float] = {"nf4": 0.0625, "bf16": 2.07, "fp8": 1.07, "full": 0.0}
# Bytes of a number in the dtype of the computation.
_NUMBER_BYTES = 2


def limit_memory(memory: int) -> None:
    """Let this process allocate at most so many bytes on its GPU."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, memory / total))


class Fit(NamedTuple):
    """What fits the memory.

    Attributes:
        token_budget: tokens of one forward.
        cached: tokens whose keys and values are cached.
    """

    token_budget: int
    cached: int


def fit(model: Any, mode: Mode, memory: int | None, token_budget: int | None = None) -> Fit:
    """Return how large forwards and cache may be.

    Args:
        model: of transformers, loaded on the GPU.
        mode: how its weights will be kept.
        memory: bytes the process may take in all; what the GPU has by default.
        token_budget: if it is given; at most ``TOKEN_BUDGET`` by default.

    Raises:
        DeviceError: the model leaves too little room.
    """
    torch.cuda.empty_cache()  # what loading left is free, and would count as taken
    loaded = torch.cuda.memory_allocated(model.device)
    free, total = torch.cuda.mem_get_info(model.device)
    memory = min(memory or total, loaded + free)
    fixed = loaded + extra_bytes(model, mode)
    kept, worked, logits = cached_bytes(model), layer_bytes(model), logit_bytes(model)
    room = memory - fixed
    cached = LEAST_CACHED * kept  # for each token of a forward
    tokens = int(min(room / (worked + cached), (room - logits) / cached)) // PAGE * PAGE
    if tokens < min(_LEAST_TOKENS, token_budget or _LEAST_TOKENS):
        needed = (fixed + max(logits, _LEAST_TOKENS * worked) + _LEAST_TOKENS * cached) / _GIB
        raise DeviceError(
            f"the model needs {needed:.1f} GiB on the GPU in mode {mode}, and there are "
            f"{memory / _GIB:.1f}: raise PAIDAN_GPU_MEMORY if it is set, end what else uses the "
            "GPU, or choose PAIDAN_MODEL_MODE=nf4 or a smaller base"
        )
    budget = min(tokens, token_budget or TOKEN_BUDGET)
    left = int((room - max(logits, budget * worked)) / kept)
    return Fit(budget, min(left, int(MOST_CACHED * budget)))


def cached_bytes(model: Any) -> int:
    """Return what the keys and values of a token take."""
    config = model.config
    heads = config.num_hidden_layers * config.num_key_value_heads
    return int(2 * _NUMBER_BYTES * heads * head_size(config))


def layer_bytes(model: Any) -> int:
    """Return what a token takes while it passes through a layer.

    Of a 7B that is 104 KB; compiled, 77 were measured.
    """
    config = model.config
    return int(_NUMBER_BYTES * (4 * config.hidden_size + 2 * config.intermediate_size))


def logit_bytes(model: Any) -> int:
    """Return what the logits take, which come when the layers' work is done."""
    return int(3 * 4 * LOGIT_ROWS * model.config.vocab_size)


def extra_bytes(model: Any, mode: Mode) -> int:
    """Return what is needed beside the loaded model, whatever the number of tokens."""
    layers = [layer for _, layer in lora_layers(model)]
    weights = [layer.in_features * layer.out_features for layer in layers]
    widths = sum(layer.in_features + layer.out_features for layer in layers)
    adapter = _NUMBER_BYTES * _RANK * widths
    kept = sum(map(_converted_bytes, layers, repeat(mode)))
    return int(_RUNTIME_BYTES + kept + _ADAPTERS * adapter + _NUMBER_BYTES * max(weights))


def _converted_bytes(layer: Any, mode: Mode) -> float:
    """Return what a layer's weight takes beside its NF4 form."""
    each = _CONVERTED_BYTES[mode]
    if mode == "fp8" and not has_fp8(layer.in_features, layer.out_features):
        each = _CONVERTED_BYTES["bf16"]
    if mode != "full" and not is_laid_out(layer.in_features):
        each += _NUMBER_BYTES  # it is dequantised for good
    return each * int(layer.in_features * layer.out_features)
