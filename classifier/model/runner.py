"""What every runner offers: it runs packs through a model.

``eager`` has the plain one for any device, ``compiled`` the one for CUDA.
"""

from collections.abc import Callable
from typing import Protocol

import torch

from classifier.model.kv_cache import KVCache
from classifier.model.pack import Pack

TOKEN_BUDGET = 16_384
"""Tokens of one forward."""

Answers = Callable[[], list[float]]
"""Waits for a forward and returns what was asked (``Pack.asked``), in the order of the asking."""


class Runner(Protocol):
    """Runs packs through a model.

    Attributes:
        cache: keys and values of what was read.
        ahead: how many forwards may be started before the answers of the first are taken.
        token_budget: tokens of one forward.
        busy: seconds that the device worked on forwards whose answers were taken.
    """

    cache: KVCache
    ahead: int
    token_budget: int
    busy: float

    def start(self, pack: Pack) -> Answers:
        """Read a pack: its keys and values are stored, what it asks can be waited for."""

    def adapted(self) -> None:
        """Take notice that the model has another adapter."""

    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Store a pack's keys and values as they were read before, instead of reading it."""
