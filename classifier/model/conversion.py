"""Conversion of a layer's weight and adapter, by mode, for the compiled layers."""

from collections.abc import Callable

import torch

from classifier.model.linear_weights import FP8_MAX, LinearWeights
from classifier.model.lora import LoraLinear
from classifier.model.mode import Mode
from classifier.model.nf4 import RANKS
from classifier.model.nf4_op import nf4_weight

_FP8_WIDTHS = 16


def kept_weights(layer: LoraLinear) -> LinearWeights:
    """Return a layer's weight as it is kept, and its adapter beside it.

    The adapter's rank is filled up with zeros to a multiple of ``RANKS``.

    Raises:
        ValueError: see ``Nf4Weight.of``.
    """
    a = b = None
    if layer.adapter is not None:
        a, b = layer.adapter.a, layer.adapter.b * layer.adapter.scale
        fill = -a.shape[0] % RANKS
        a = torch.nn.functional.pad(a, (0, 0, 0, fill)).contiguous()
        b = torch.nn.functional.pad(b, (0, fill)).contiguous()
    layer.lay_out()
    if layer.nf4 is None:
        return LinearWeights(layer.weight, None, a, b, layer.bias)
    return LinearWeights(layer.nf4.codes, layer.nf4.scales, a, b, layer.bias)


def merged_weights(layer: LoraLinear) -> LinearWeights:
    """Return a layer's weight with its adapter added, in the dtype of the computation."""
    return LinearWeights(_full(kept_weights(layer), layer.dtype), None, None, None, layer.bias)


def fp8_weights(layer: LoraLinear) -> LinearWeights:
    """Return a layer's weight with its adapter added, in float8 with a scale for each row.

    A layer of widths that float8 products do not take is merged as in ``bf16``.
    """
    if not has_fp8(layer.in_features, layer.out_features):
        return merged_weights(layer)
    weight = _full(kept_weights(layer), torch.float32)
    scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-12) / FP8_MAX
    rounded = (weight / scale).to(torch.float8_e4m3fn)
    return LinearWeights(rounded, scale.t().contiguous(), None, None, layer.bias)


def has_fp8(in_features: int, out_features: int) -> bool:
    """Return whether float8 products take these widths."""
    return in_features % _FP8_WIDTHS == 0 and out_features % _FP8_WIDTHS == 0


def _full(weights: LinearWeights, dtype: torch.dtype) -> torch.Tensor:
    if weights.scales is not None:
        return nf4_weight(weights.weight, weights.scales, weights.a, weights.b, dtype)
    weight = weights.weight.float()
    if weights.a is not None and weights.b is not None:
        weight = weight + weights.b.float() @ weights.a.float()
    return weight.to(dtype)


CONVERSIONS: dict[Mode, Callable[[LoraLinear], LinearWeights]] = {
    "nf4": kept_weights,
    "full": kept_weights,
    "bf16": merged_weights,
    "fp8": fp8_weights,
}
"""How each mode's weights are made."""
