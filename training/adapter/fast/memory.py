"""What a micro-batch takes on the GPU, by its tokens and by how many layers it recomputes."""

import math
from dataclasses import dataclass
from typing import Any, Self

import torch

from classifier.model.kv_cache import PAGE, head_size
from classifier.model.memory import limit_memory
from training.adapter.vocabulary import CHUNK

_GIB = 1 << 30
_FRAGMENTS = 0.92
"""Share of the free memory that is given out: sizes change from step to step."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Bytes of a token, and of whatever their number.

    Parameters:
        layers: of the model.
        kept: for the backward pass of a layer.
        bound: what a recomputed layer keeps, its input.
        worked: while the forward or backward pass goes through a layer.
        fixed: for the largest dequantised weight and a chunk of logits.
    """

    layers: int
    kept: float
    bound: float
    worked: float
    fixed: float

    @classmethod
    def of(cls, config: Any, rank: int, number_bytes: int) -> Self:
        """Return the costs of a model by its configuration, an adapter's rank and a dtype's size.

        A layer keeps two hidden states, queries, keys and values, what attention found, twice, and
        both inner states of the MLP; and the adapters' inner ones.
        """
        inner, hidden = config.intermediate_size, config.hidden_size
        heads = config.num_attention_heads * head_size(config)
        kv_heads = config.num_key_value_heads * head_size(config)
        kept = 2 * hidden + 3 * heads + 2 * kv_heads + 2 * inner + 7 * rank
        fixed = number_bytes * hidden * max(inner, hidden) + 12 * CHUNK * config.vocab_size
        return cls(
            config.num_hidden_layers,
            number_bytes * kept,
            number_bytes * hidden,
            number_bytes * (6 * hidden + 5 * inner),
            fixed,
        )

    def bytes(self, tokens: int, recomputed: int) -> float:
        """Return what a micro-batch of so many tokens takes at most.

        The first layers are recomputed: when it is their turn, what the others kept is free again.
        """
        kept = max(1, self.layers - recomputed) * self.kept + recomputed * self.bound
        return self.fixed + _filled(tokens) * (kept + self.worked)

    def recomputed(self, tokens: int, room: float) -> int | None:
        """Return how many layers have to be recomputed at least; None where all are too few."""
        fitting = (n for n in range(self.layers) if self.bytes(tokens, n) <= room)
        return next(fitting, None)


def _filled(tokens: int) -> int:
    return -(-tokens // PAGE) * PAGE


def free_bytes(device: torch.device, coming: int, limit: float | None) -> float:
    """Return what micro-batches may take, before the first step of a run.

    Args:
        device: of the model, which is loaded.
        coming: bytes of gradients and of what the optimizer keeps, not there yet.
        limit: GiB that the process may take in all; None for what is free. It is held to it.
    """
    if device.type != "cuda":
        return math.inf if limit is None else limit * _GIB
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    if limit is not None:
        limit_memory(int(limit * _GIB))
        free = min(free, int(limit * _GIB) - torch.cuda.memory_allocated(device))
    return _FRAGMENTS * (free - coming)
