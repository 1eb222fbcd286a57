"""The kernel of ``nf4``, in Triton; see there for the arithmetic.

A tile takes some 48 KiB of shared memory at most, so it runs on an RTX 4090 (99 KiB) as well.
"""

# mypy: disable-error-code="no-untyped-def,no-any-return"

from functools import lru_cache

import torch
import triton
import triton.language as tl
from bitsandbytes.functional import get_4bit_type

from classifier.nf4 import RANKS

_TILE_OUT = 64


@triton.jit
def _weight_kernel(
    codes, scales, table, a, b, out, out_features, in_features,
    rank: tl.constexpr, ranks_at_once: tl.constexpr, tile_out: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(1) * tile_out + tl.arange(0, tile_out)
    inside = rows[:, None] < out_features
    pairs = tl.program_id(0) * 64 + tl.arange(0, 64)
    both = tl.load(codes + rows[:, None] * (in_features // 2) + pairs, mask=inside, other=0)
    both = both.to(tl.int32)
    block = scales + rows[:, None] * (in_features // 64) + tl.program_id(0) * 2
    high = tl.load(table + (both >> 4)) * tl.load(block, mask=inside, other=0.0)
    low = tl.load(table + (both & 15)) * tl.load(block + 1, mask=inside, other=0.0)
    columns = tl.program_id(0) * 128 + tl.arange(0, 64)
    for first in tl.static_range(0, rank, ranks_at_once):
        ranks = first + tl.arange(0, ranks_at_once)
        some_b = tl.load(b + rows[:, None] * rank + ranks, mask=inside, other=0.0)
        some_a = a + ranks[:, None] * in_features + columns
        high += tl.dot(some_b, tl.load(some_a), input_precision="ieee")
        low += tl.dot(some_b, tl.load(some_a + 64), input_precision="ieee")
    place = out + rows[:, None] * in_features + columns
    tl.store(place, high.to(out.dtype.element_ty), mask=inside)
    tl.store(place + 64, low.to(out.dtype.element_ty), mask=inside)


def weight(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Return the (out, in) weight in ``dtype``; codes as ``nf4.by_halves`` arranges them."""
    out_features, in_features = codes.shape[0], codes.shape[1] * 2
    out = torch.empty((out_features, in_features), dtype=dtype, device=codes.device)
    rank = 0 if a is None else a.shape[0]
    grid = (in_features // 128, triton.cdiv(out_features, _TILE_OUT))
    _weight_kernel[grid](
        codes, scales, _table(codes.device), a, b, out, out_features, in_features,
        rank=rank, ranks_at_once=_ranks(rank), tile_out=_TILE_OUT, num_warps=4,
    )  # fmt: skip
    return out


def _ranks(rank: int) -> int:
    """How many ranks are multiplied at once."""
    return next((ranks for ranks in (64, 32) if rank % ranks == 0), RANKS)


@lru_cache
def _table(device: torch.device) -> torch.Tensor:
    return get_4bit_type("nf4", device=device)
