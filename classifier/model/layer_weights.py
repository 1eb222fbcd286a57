"""The tensors of a decoder layer."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from classifier.model.linear_weights import LinearWeights
from classifier.model.lora import LoraLinear


class LayerWeights(NamedTuple):
    """The tensors of one layer; ``q_norm`` and ``k_norm`` are Qwen3's, (head size,), or None."""

    attention_norm: torch.Tensor
    q: LinearWeights
    k: LinearWeights
    v: LinearWeights
    q_norm: torch.Tensor | None
    k_norm: torch.Tensor | None
    o: LinearWeights
    mlp_norm: torch.Tensor
    gate: LinearWeights
    up: LinearWeights
    down: LinearWeights


def layer_weights(module: Any, convert: Callable[[LoraLinear], LinearWeights]) -> LayerWeights:
    """Convert the weights of a decoder layer of transformers, with the adapter it has now."""
    attention, mlp = module.self_attn, module.mlp
    return LayerWeights(
        module.input_layernorm.weight,
        convert(attention.q_proj),
        convert(attention.k_proj),
        convert(attention.v_proj),
        weight_of(attention, "q_norm"),
        weight_of(attention, "k_norm"),
        convert(attention.o_proj),
        module.post_attention_layernorm.weight,
        convert(mlp.gate_proj),
        convert(mlp.up_proj),
        convert(mlp.down_proj),
    )


def weight_of(attention: Any, norm: str) -> torch.Tensor | None:
    """Return the weight of a norm of an attention module, or None where it has none."""
    return getattr(getattr(attention, norm, None), "weight", None)
