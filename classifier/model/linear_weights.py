"""What a compiled linear layer computes with, and its product."""

from typing import NamedTuple

import torch
from torch.nn.functional import linear

from classifier.model.nf4_op import nf4_weight

FP8_MAX = 448.0
"""The greatest number of float8 (e4m3)."""


class LinearWeights(NamedTuple):
    """The tensors of a linear layer.

    Attributes:
        weight: (out, in / 2) uint8, see ``Nf4Weight``; or (out, in) in a floating-point type.
        scales: (out, in / 64) float32 of NF4; (1, out) float32 of float8; else None.
        a: (rank, in) of the adapter that is still to be added, or None.
        b: (out, rank), the adapter's scale in it, or None.
        bias: (out,) or None.
    """

    weight: torch.Tensor
    scales: torch.Tensor | None
    a: torch.Tensor | None
    b: torch.Tensor | None
    bias: torch.Tensor | None


def product(x: torch.Tensor, weights: LinearWeights) -> torch.Tensor:
    """Return (n, out) for (n, in)."""
    if weights.weight.dtype == torch.uint8:
        assert weights.scales is not None
        weight = nf4_weight(weights.weight, weights.scales, weights.a, weights.b, x.dtype)
        return linear(x, weight, weights.bias)
    if weights.weight.dtype == torch.float8_e4m3fn:
        assert weights.scales is not None
        scale = x.abs().amax(1, keepdim=True).float().clamp(min=1e-12) / FP8_MAX
        return torch._scaled_mm(
            (x.float() / scale).to(torch.float8_e4m3fn),
            weights.weight.t(),
            scale_a=scale,
            scale_b=weights.scales,
            bias=weights.bias,
            out_dtype=x.dtype,
            use_fast_accum=True,
        )
    y = linear(x, weights.weight, weights.bias)
    if weights.a is not None and weights.b is not None:
        y = y + linear(linear(x, weights.a), weights.b)
    return y
