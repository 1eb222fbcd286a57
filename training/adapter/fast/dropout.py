"""Dropout of an adapter's input that is drawn again, not kept, for the backward pass.

Whether a number is dropped is a hash of its place and a seed (the mixing steps of Appleby's
MurmurHash3). So it costs one pass over memory, in which compiled code draws and multiplies; torch's
own generator takes three.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from training.adapter.fast.compilation import any_length, compiled

_HALF = 1 << 31
# Odd numbers of the golden ratio and of MurmurHash3, as int32.
_SPREAD, _MIX, _MIX_AGAIN = -1640531527, -2048144789, -1028477387


@dataclass(frozen=True, slots=True)
class Dropout:
    """What an adapter does not see of its input: a share, drawn by a seed."""

    share: float
    seed: int

    def of(self, x: torch.Tensor) -> torch.Tensor:
        """Return x without that share, the rest larger for it; the same each time."""
        if not self.share:
            return x
        any_length(x)
        return _dropping(x.device.type)(x, self.share, self.number)

    @property
    def number(self) -> int:
        """What the hash takes of the seed."""
        return self.seed % _HALF

    def at(self, number: int) -> "Dropout":
        """Return another of the same share."""
        return Dropout(self.share, self.seed + number)


NO_DROPOUT = Dropout(0.0, 0)


@lru_cache
def _dropping(device_type: str) -> Callable[[torch.Tensor, float, int], torch.Tensor]:
    return compiled(dropped, torch.device(device_type))


def dropped(x: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    """Return x without a share, drawn by a seed under 2³¹: ``Dropout.of``, to be compiled."""
    drawn = torch.arange(x.numel(), dtype=torch.int32, device=x.device) * _SPREAD
    drawn = (drawn ^ ((drawn >> 16) & 0xFFFF) ^ seed) * _MIX
    drawn = (drawn ^ ((drawn >> 13) & 0x7FFFF)) * _MIX_AGAIN
    drawn = (drawn ^ ((drawn >> 16) & 0xFFFF)) & (_HALF - 1)
    kept = (drawn >= int(share * _HALF)).view(x.shape)
    return torch.where(kept, x / (1 - share), 0.0)
