"""What every runner promises: it runs packs through a model.

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
"""Waits for a forward and returns what was asked, in the order of ``Pack.asked``."""


class Runner(Protocol):
    """Runs packs through a model.

    Attributes:
        cache: keys and values of what was read.
        ahead: forwards that may be started before the answers of the first one are taken.
        token_budget: tokens of one forward.
        busy: seconds that the device worked on forwards whose answers were taken.
    """

    cache: KVCache
    ahead: int
    token_budget: int
    busy: float

    def start(self, pack: Pack) -> Answers:
        """Start to run a pack: its keys and values are cached, its answers can be waited for."""

    def adapted(self) -> None:
        """Be told that the model has another adapter; nothing that was cached counts any more."""

    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Cache a pack's keys and values as they were computed before, instead of running it."""
