"""How many tokens a forward may have, by the GPU's memory."""

from typing import Any

import torch

from classifier.lora import lora_layers
from classifier.reader import LOGIT_ROWS, TOKEN_BUDGET, Mode
from classifier.store import PAGE
from paidan.errors import DeviceError

_GIB = 1 << 30
# Forwards whose keys and values are stored at once: the one that runs, the next one, and the labels
# of searches that go on.
STORED_FORWARDS = 2.5
# Under so many tokens a forward is hardly cheaper than a larger one: the card is too small.
_LEAST = 1024
# The CUDA context, the compiled kernels and the recorded graphs, in bytes.
_RUNTIME = _GIB
# Of two versions while one takes the other's place; see ``LoraRecipe.r``.
_RANK, _ADAPTERS = 64, 3
# Bytes a weight of the linear layers takes beside its bitsandbytes form (which is kept for the next
# adapter), and the bytes it has in the product.
_KEPT: dict[Mode, float] = {"nf4": 0.0625, "bf16": 2.07, "fp8": 1.07, "full": 0.0}
_WIDE = 2


def limit_memory(memory: int) -> None:
    """Let this process allocate at most so many bytes on its GPU."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, memory / total))


def fitting_budget(model: Any, mode: Mode, memory: int | None) -> int:
    """Return the tokens a forward may have, at most ``TOKEN_BUDGET``.

    Args:
        model: of transformers, loaded on the GPU.
        mode: how its weights will be kept.
        memory: bytes the process may take in all; what the GPU has by default.

    Raises:
        DeviceError: the model leaves too little room.
    """
    loaded = torch.cuda.memory_allocated(model.device)
    free, total = torch.cuda.mem_get_info(model.device)
    memory = min(memory or total, loaded + free)
    fixed = loaded + extra_bytes(model, mode)
    tokens = int((memory - fixed) / bytes_per_token(model)) // PAGE * PAGE
    if tokens < _LEAST:
        needed = (fixed + _LEAST * bytes_per_token(model)) / _GIB
        raise DeviceError(
            f"the model needs {needed:.1f} GiB on the GPU in mode {mode}, and there are "
            f"{memory / _GIB:.1f}: raise PAIDAN_GPU_MEMORY if it is set, end what else uses the "
            "GPU, or choose PAIDAN_MODEL_MODE=nf4 or a smaller base"
        )
    return min(tokens, TOKEN_BUDGET)


def bytes_per_token(model: Any) -> int:
    """Return what a token of a forward takes: keys and values, and what a layer computes."""
    config = model.config
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    stored = 2 * config.num_hidden_layers * config.num_key_value_heads * size
    layer = 6 * config.hidden_size + 3 * config.intermediate_size
    return int(_WIDE * (STORED_FORWARDS * stored + layer))


def extra_bytes(model: Any, mode: Mode) -> int:
    """Return what is needed beside the loaded model, whatever the number of tokens."""
    layers = [layer for _, layer in lora_layers(model)]
    weights = [layer.in_features * layer.out_features for layer in layers]
    adapter = sum(_RANK * (layer.in_features + layer.out_features) for layer in layers) * _WIDE
    logits = 3 * 4 * LOGIT_ROWS * model.config.vocab_size
    kept = _KEPT[mode] * sum(weights)
    return int(_RUNTIME + kept + _ADAPTERS * adapter + _WIDE * max(weights) + logits)
