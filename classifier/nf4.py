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
    """A weight in NF4, arranged for the kernel.

    Attributes:
        codes: (out, in / 2) uint8, two NF4 codes each; see ``by_halves``.
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
        by_halves(weight.data.view(out_features, in_features // 2)),
        scales.float().view(out_features, in_features // BLOCK),
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
    """Return the (out, in) weight in ``dtype``.

    Args:
        codes: see ``Packed``.
        scales: see ``Packed``.
        a: (rank, in) of an adapter to add, or None.
        b: (out, rank) of it, its scale in it.
        dtype: of the result.
    """
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
