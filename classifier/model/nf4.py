"""The NF4 format, as Paidan's kernel reads it (Dettmers et al., "QLoRA", 2023).

A weight is 16-valued codes in blocks of 64, each block with a float32 scale.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

if TYPE_CHECKING:  # it takes longer to import than torch
    from bitsandbytes.nn import Params4bit

BLOCK = 64
"""Weights that share a scale."""
RANKS = 16
"""The kernel multiplies ranks by so many: another rank is filled up with zeros."""


@dataclass(frozen=True, slots=True)
class Nf4Weight:
    """A weight in NF4.

    Attributes:
        codes: (out, in / 2) uint8, two NF4 codes each, the first in the high bits.
        scales: (out, in / 64) float32.
    """

    codes: torch.Tensor
    scales: torch.Tensor

    @classmethod
    def of(cls, weight: "Params4bit") -> Self:
        """Take a 4-bit weight of bitsandbytes, with its double quantised scales made plain.

        Raises:
            ValueError: its rows are not divided evenly into blocks; see ``is_laid_out``.
        """
        state = weight.quant_state
        out_features, in_features = state.shape
        if not is_laid_out(in_features) or state.blocksize != BLOCK:
            raise ValueError(f"blocks of {state.blocksize} in rows of {in_features}")
        scales = state.absmax
        if state.nested:
            from bitsandbytes.functional import dequantize_blockwise

            scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
        return cls(
            weight.data.view(out_features, in_features // 2),
            scales.float().view(out_features, in_features // BLOCK),
        )


def is_laid_out(in_features: int) -> bool:
    """Return whether rows of so many weights are whole blocks, as the kernel reads them."""
    return in_features % BLOCK == 0
