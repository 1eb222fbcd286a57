"""The tensors of a decoder layer."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from classifier.model.linear_weights import LinearWeights
from classifier.model.lora import LoraLinear


class LayerWeights(NamedTuple):
    """The tensors of one layer."""

    attention_norm: torch.Tensor
    q: LinearWeights
    k: LinearWeights
    v: LinearWeights
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
        convert(attention.o_proj),
        module.post_attention_layernorm.weight,
        convert(mlp.gate_proj),
        convert(mlp.up_proj),
        convert(mlp.down_proj),
    )
