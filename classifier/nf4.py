"""A linear layer's weight from its four bits and its adapter, in one pass over memory.

w = round(code[q]·absmax + B·A): NF4 (Dettmers et al., "QLoRA", 2023) in blocks of 64 with float32
scales, the adapter added in float32, the sum rounded once. So the adapter is exact, and nothing
but the product's own operand is ever written.
"""

from typing import NamedTuple

import torch
from bitsandbytes.functional import dequantize_blockwise, get_4bit_type

from classifier.lora import LoraLinear

BLOCK = 64
"""Weights that share a scale."""
_RANKS = 16
"""Ranks the kernel multiplies at once; a lower rank is filled up with zeros."""


class Linear(NamedTuple):
    """What a linear layer computes with.

    Attributes:
        weight: (out, in / 2) uint8, two NF4 codes each (see ``by_halves``); or (out, in) in a
            floating-point type.
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


def linear_of(layer: LoraLinear) -> Linear:
    """Return what a layer computes with: its weight as it is kept, and its adapter.

    Raises:
        ValueError: its rows are not divided evenly into pairs of NF4 blocks.
    """
    a = b = None
    if layer.adapter is not None:
        a, b = layer.adapter.a, layer.adapter.b * layer.adapter.scale
        fill = -a.shape[0] % _RANKS
        a = torch.nn.functional.pad(a, (0, 0, 0, fill)).contiguous()
        b = torch.nn.functional.pad(b, (0, fill)).contiguous()
    state = getattr(layer.weight, "quant_state", None)
    if state is None:
        return Linear(layer.weight, None, a, b, layer.bias)
    out_features, in_features = state.shape
    if in_features % (2 * BLOCK) or state.blocksize != BLOCK:
        raise ValueError(f"blocks of {state.blocksize} in rows of {in_features}")
    scales = state.absmax
    if state.nested:
        scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
    return Linear(
        by_halves(layer.weight.data.view(out_features, in_features // 2)),
        scales.float().view(out_features, in_features // BLOCK),
        a,
        b,
        layer.bias,
    )


def by_halves(codes: torch.Tensor) -> torch.Tensor:
    """Arrange codes so that a byte holds one of each of two neighbouring blocks.

    bitsandbytes puts two neighbouring weights in a byte, the first in the high bits. This way the
    high bits of 64 bytes are one block, their low bits the next: a kernel writes whole blocks.

    Args:
        codes: (out, in / 2) uint8, as bitsandbytes has them.
    """
    single = torch.stack((codes >> 4, codes & 15), dim=-1).view(len(codes), -1, 2, BLOCK)
    return (single[:, :, 0] << 4 | single[:, :, 1]).flatten(1)


@torch.library.custom_op("paidan::nf4_weight", mutates_args=())
def nf4_weight(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Return the (out, in) weight in ``dtype``; see ``Linear`` for the arguments."""
    table = get_4bit_type("nf4", device=codes.device)
    both = codes.view(len(codes), -1, 1, BLOCK)
    weight = table[torch.cat((both >> 4, both & 15), dim=2).flatten(1).int()]
    weight *= scales.repeat_interleave(BLOCK, dim=1)
    if a is not None and b is not None:
        weight += b.float() @ a.float()
    full: torch.Tensor = weight.to(dtype)
    return full


@nf4_weight.register_fake
def _(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    return codes.new_empty((codes.shape[0], codes.shape[1] * 2), dtype=dtype)


@nf4_weight.register_kernel("cuda")
def _(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    from classifier.nf4_kernel import weight

    return weight(codes, scales, a, b, dtype)
