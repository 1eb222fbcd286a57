"""The model that is trained: from a micro-batch's tokens to their hidden states."""

from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from classifier.model.decoder import norm
from classifier.model.kv_cache import head_size
from classifier.model.rotary import RotaryEmbedding
from training.adapter.fast.attention import Attention
from training.adapter.fast.dropout import NO_DROPOUT, Dropout
from training.adapter.fast.layers import PRODUCTS, Functions, TrainedLayer
from training.adapter.fast.micro_batch import MicroBatch
from training.adapter.fast.products import take_up


class Decoder:
    """Embedding, layers and last norm of a causal language model with peft's adapter.

    Args:
        model: of transformers, as peft's ``get_base_model`` returns it; its adapter's weights are
            read anew in each forward, and get their gradients.
    """

    def __init__(self, model: Any) -> None:
        self._inner = model.model
        self.lm_head: torch.Tensor = model.lm_head.weight
        self.dtype, self.device = self.lm_head.dtype, self.lm_head.device
        self._eps: float = model.config.rms_norm_eps
        functions = Functions.of(head_size(model.config), self._eps, self.device)
        self.layers = [TrainedLayer(module, functions, self.dtype) for module in self._inner.layers]
        self._rotary = RotaryEmbedding(model.config, self.device)
        self._attention = Attention(self.device)

    def hidden(
        self, micro_batch: MicroBatch, recomputed: int = 0, dropout: Dropout = NO_DROPOUT
    ) -> torch.Tensor:
        """Return the (128 b, hidden) states before the last norm.

        Args:
            micro_batch: of b blocks.
            recomputed: so many layers, the first ones, keep nothing for the backward pass but what
                they read (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
            dropout: of the adapters' inputs; each draws by a seed of its own.
        """
        states: torch.Tensor = (
            self._inner.embed_tokens(micro_batch.ids).flatten(0, 1).to(self.dtype)
        )
        take_up(group for layer in self.layers for group in layer.groups)
        rope = self._rotary.at(micro_batch.positions)
        attend = self._attention.over(micro_batch.visible)
        for number, layer in enumerate(self.layers):
            own = dropout.at(number * PRODUCTS)
            forward = partial(layer.forward, rope=rope, attend=attend, dropout=own)
            if number < recomputed:
                # A layer draws by its own seed.
                states = checkpoint(forward, states, use_reentrant=False, preserve_rng_state=False)
            else:
                states = forward(states)
        return states

    def normed(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (m, hidden) states after the last norm."""
        return norm(hidden, self._inner.norm.weight, self._eps)
