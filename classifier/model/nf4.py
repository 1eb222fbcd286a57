"""A linear layer's weight from its four bits and its adapter, in one pass over memory.

w = round(code[q]·absmax + B·A): NF4 (Dettmers et al., "QLoRA", 2023) in blocks of 64 with float32
scales, the adapter added in float32, the sum rounded once. So the adapter is exact, and nothing
but the product's own operand is ever written.
"""

from dataclasses import dataclass

import torch
from bitsandbytes.functional import dequantize_blockwise, get_4bit_type
from bitsandbytes.nn import Params4bit

BLOCK = 64
"""Weights that share a scale."""
RANKS = 16
"""The kernel multiplies ranks by so many: another rank is filled up with zeros."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A weight in NF4.

    Attributes:
        codes: (out, in / 2) uint8, two NF4 codes each, the first in the high bits.
        scales: (out, in / 64) float32.
    """

    codes: torch.Tensor
    scales: torch.Tensor


def pack(weight: Params4bit) -> Packed:
    """Take a 4-bit weight of bitsandbytes, with its double quantised scales made plain.

    Raises:
        ValueError: its rows are not divided evenly into pairs of blocks.
    """
    state = weight.quant_state
    out_features, in_features = state.shape
    if in_features % (2 * BLOCK) or state.blocksize != BLOCK:
        raise ValueError(f"blocks of {state.blocksize} in rows of {in_features}")
    scales = state.absmax
    if state.nested:
        scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
    return Packed(
        weight.data.view(out_features, in_features // 2),
        scales.float().view(out_features, in_features // BLOCK),
    )


@torch.library.custom_op("paidan::nf4_weight", mutates_args=())
def nf4_weight(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Return the (out, in) weight in ``dtype``.

    Args:
        codes: see ``Packed``.
        scales: see ``Packed``.
        a: (rank, in) of an adapter to add, or None.
        b: (out, rank) of it, its scale in it.
        dtype: of the result.
    """
    table = get_4bit_type("nf4", device=codes.device)
    weight = table[torch.stack((codes >> 4, codes & 15), dim=-1).flatten(1).int()]
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
    from classifier.model.nf4_kernel import weight

    return weight(codes, scales, a, b, dtype)
