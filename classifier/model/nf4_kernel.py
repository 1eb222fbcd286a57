"""The CUDA kernel of ``nf4_op``, in Triton; the arithmetic is told there.

`tl.dot` fixes the layout of B·A, so the dequantised weight is added to B·A in that layout.
Changing a layout goes through shared memory, and shared memory is the bottleneck here. So we
convert the packed bytes to the layout of `tl.dot` first and look their values up afterwards: bytes
are fewer than values. The two values of a byte are neighbours in a row, and that layout gives each
thread neighbours.

A warp keeps the sixteen NF4 values in its registers. A shuffle looks a value up there and works in
any layout. A load from memory would bring its own layout.

A program makes several tiles of rows. It loads an A of rank 16, 32 or 64 once, and loads the next
tiles while it computes one. That takes up to some 40 KiB of shared memory; where A and B are
float32, up to some 60. An RTX 4090 has 99 KiB. An A of another rank is read in parts of 64, 32 or
16 ranks, for each tile again, and no tile is loaded ahead.

A tile is two blocks wide. Where a row's last tile has one block only, columns beyond the row are
masked: that is compiled apart, so that other widths do without the masks.
"""

# mypy: disable-error-code="no-untyped-def,no-any-return"

from functools import lru_cache

import torch
import triton
import triton.language as tl
from bitsandbytes.functional import get_4bit_type

from classifier.model.nf4 import RANKS

_ROWS, _TILES, _WARPS, _STAGES = 32, 8, 4, 3


@triton.jit
def _looked_up(code: tl.tensor, table: tl.tensor) -> tl.tensor:
    """Return float32 table[code]: a warp's threads load one value each and shuffle them."""
    return tl.inline_asm_elementwise(
        """
        {
        .reg .u32 lane;
        .reg .u64 place;
        .reg .b32 value;
        mov.u32 lane, %laneid;
        and.b32 lane, lane, 15;
        mad.wide.u32 place, lane, 4, $2;
        ld.global.nc.b32 value, [place];
        shfl.sync.idx.b32 $0, value, $1, 31, 0xffffffff;
        }
        """,
        "=r,r,l",
        [code, table],
        dtype=tl.float32,
        is_pure=True,
        pack=1,
    )


@triton.jit
def _loaded_a(places: tl.tensor, has_column: tl.tensor, whole_tiles: tl.constexpr) -> tl.tensor:
    """Return a part of A, with zeros for columns that a row does not have."""
    mask = has_column[None, :]
    return tl.load(places) if whole_tiles else tl.load(places, mask=mask, other=0.0)


@triton.jit
def _weight_kernel(
    codes: tl.tensor, scales: tl.tensor, table: tl.tensor,
    a: tl.tensor, b: tl.tensor, out: tl.tensor, out_features: tl.tensor, in_features: tl.tensor,
    rank: tl.constexpr, ranks_at_once: tl.constexpr,
    rows: tl.constexpr, tiles: tl.constexpr, stages: tl.constexpr, whole_tiles: tl.constexpr,
) -> None:  # fmt: skip
    pairs = tl.program_id(0) * 64 + tl.arange(0, 64)
    columns = tl.program_id(0) * 128 + tl.arange(0, 128)
    has_pair, has_column = pairs < in_features // 2, columns < in_features
    has_second = tl.program_id(0) * 2 + 1 < in_features // 64
    in_first = (tl.arange(0, 128) < 64)[None, :]
    ranks = tl.arange(0, ranks_at_once)
    table = table.to(tl.int64)
    if rank == ranks_at_once:
        whole_a = _loaded_a(a + ranks[:, None] * in_features + columns, has_column, whole_tiles)
    for tile in tl.range(0, tiles, num_stages=stages):
        row = (tl.program_id(1) * tiles + tile) * rows + tl.arange(0, rows)[:, None]
        inside = row < out_features
        if whole_tiles:
            in_pair, in_second, in_column = inside, inside, inside
        else:
            in_pair, in_second = inside & has_pair, inside & has_second
            in_column = inside & has_column
        both = tl.load(codes + row * (in_features // 2) + pairs, mask=in_pair, other=0)
        both = both.to(tl.int32)
        value = tl.interleave(_looked_up(both >> 4, table), _looked_up(both & 15, table))
        block = scales + row * (in_features // 64) + tl.program_id(0) * 2
        first = tl.load(block, mask=inside, other=0.0)
        second = tl.load(block + 1, mask=in_second, other=0.0)
        value *= tl.where(in_first, first, second)
        if rank == ranks_at_once:
            some_b = tl.load(b + row * rank + ranks, mask=inside, other=0.0)
            value += tl.dot(some_b, whole_a, input_precision="ieee")
        else:
            for start in tl.static_range(0, rank, ranks_at_once):
                some_b = tl.load(b + row * rank + start + ranks, mask=inside, other=0.0)
                some_a = _loaded_a(
                    a + (start + ranks)[:, None] * in_features + columns, has_column, whole_tiles
                )
                value += tl.dot(some_b, some_a, input_precision="ieee")
        tl.store(out + row * in_features + columns, value.to(out.dtype.element_ty), mask=in_column)


def weight(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Return the (out, in) weight in ``dtype``; see ``nf4_op.nf4_weight``."""
    out_features, in_features = codes.shape[0], codes.shape[1] * 2
    out = torch.empty((out_features, in_features), dtype=dtype, device=codes.device)
    rank = 0 if a is None else a.shape[0]
    at_once = next((ranks for ranks in (64, 32) if rank % ranks == 0), RANKS)
    stages = _STAGES if rank <= at_once else 1  # the parts of a larger A leave no room
    # A program makes fewer tiles of a small weight, so that all multiprocessors have work.
    tiles = min(_TILES, triton.cdiv(out_features, _ROWS * _TILES))
    grid = (triton.cdiv(in_features, 128), triton.cdiv(out_features, _ROWS * tiles))
    _weight_kernel[grid](
        codes, scales, _table(codes.device), a, b, out, out_features, in_features,
        rank=rank, ranks_at_once=at_once, rows=_ROWS, tiles=tiles, stages=stages,
        whole_tiles=in_features % 128 == 0, num_warps=_WARPS,
    )  # fmt: skip
    return out


@lru_cache
def _table(device: torch.device) -> torch.Tensor:
    return get_4bit_type("nf4", device=device)
