"""A decoder layer of Llama, Qwen2 or Qwen3 that is trained: peft's adapter on the engine's weights.

It computes what transformers' layers do. Norms and rotary embeddings are computed in float32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from peft.tuners.lora import LoraLayer

from classifier.model.decoder import norm
from classifier.model.layer_weights import weight_of
from classifier.model.lora import LoraLinear
from classifier.model.rotary import rotate
from training.adapter.fast.attention import Attend
from training.adapter.fast.compilation import any_length, compiled
from training.adapter.fast.dropout import Dropout
from training.adapter.fast.inputs import AS_IT_IS, Input, gated_product, normed
from training.adapter.fast.products import LinearGroup, TrainedLinear, products

_ADAPTER = "default"
"""peft's name of a model's only adapter."""
PRODUCTS = 4
"""Steps of ``products`` in a layer: each draws its own dropout."""


@dataclass(frozen=True, slots=True)
class Functions:
    """What stands between the products, compiled on CUDA; all layers of a model share it."""

    norm: Input
    gated: Input
    heads: Callable[..., torch.Tensor]
    head_size: int
    eps: float

    @classmethod
    def of(cls, head_size: int, eps: float, device: torch.device) -> Self:
        """Return them for a model on a device."""

        def heads(x: torch.Tensor, weight: torch.Tensor | None, rope: torch.Tensor) -> torch.Tensor:
            """Return (b, 128, heads, size), normed where there is a weight, and rotated."""
            parts = x.view(x.shape[0], -1, head_size)
            parts = parts if weight is None else norm(parts, weight, eps)
            return rotate(parts, rope).view(*rope.shape[:2], -1, head_size)

        return cls(normed(device), gated_product(device), compiled(heads, device), head_size, eps)


class TrainedLayer:
    """A decoder layer as functions of its tensors.

    Args:
        module: the layer, of transformers, with peft's adapter in it.
        functions: shared by the layers.
        dtype: of the computation.
    """

    def __init__(self, module: Any, functions: Functions, dtype: torch.dtype) -> None:
        attention, mlp = module.self_attn, module.mlp

        def group(*modules: Any) -> LinearGroup:
            return LinearGroup([trained_linear(one, dtype) for one in modules], dtype)

        self._qkv = group(*(getattr(attention, f"{name}_proj") for name in "qkv"))
        self._o = group(attention.o_proj)
        self._gate_up = group(mlp.gate_proj, mlp.up_proj)
        self._down = group(mlp.down_proj)
        self.groups = [self._qkv, self._o, self._gate_up, self._down]
        self._head_norms = weight_of(attention, "q_norm"), weight_of(attention, "k_norm")
        self._functions = functions
        self._norms = [
            functions.norm.over(one.weight, functions.eps)
            for one in (module.input_layernorm, module.post_attention_layernorm)
        ]

    def forward(
        self, hidden: torch.Tensor, rope: torch.Tensor, attend: Attend, dropout: Dropout
    ) -> torch.Tensor:
        """Return the (t, hidden) states after the layer.

        Args:
            hidden: (t, hidden), t = 128 b.
            rope: cos and sin, (b, 128, 2, head size) float32.
            attend: of the micro-batch.
            dropout: the first of ``PRODUCTS``.
        """
        drops = [dropout.at(number) for number in range(PRODUCTS)]
        any_length(rope)
        query, key, value = products(self._norms[0], [hidden], self._qkv, drops[0])
        any_length(query, key)
        found = attend(
            self._functions.heads(query, self._head_norms[0], rope),
            self._functions.heads(key, self._head_norms[1], rope),
            value.view(*rope.shape[:2], -1, self._functions.head_size),
        )
        hidden = hidden + products(AS_IT_IS, [found.flatten(0, 1)], self._o, drops[1])[0]
        gate, up = products(self._norms[1], [hidden], self._gate_up, drops[2])
        return hidden + products(self._functions.gated, [gate, up], self._down, drops[3])[0]


def trained_linear(module: Any, dtype: torch.dtype) -> TrainedLinear:
    """Return a linear layer of a model that peft has put an adapter into."""
    adapted = isinstance(module, LoraLayer)
    base = LoraLinear(module.base_layer if adapted else module, dtype)
    base.lay_out()
    if not adapted:
        return TrainedLinear(base, None, None, 1.0)
    a, b = module.lora_A[_ADAPTER].weight, module.lora_B[_ADAPTER].weight
    return TrainedLinear(base, a, b, float(module.scaling[_ADAPTER]))
