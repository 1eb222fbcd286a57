"""What every runner promises: it runs packs through a model.

``eager`` has the plain one for any device, ``compiled`` the one for CUDA.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.model.kv_cache import KVCache
from classifier.model.pack import Pack

TOKEN_BUDGET = 16_384
"""Tokens of one forward."""

HeadLogits = Callable[[torch.Tensor], torch.Tensor]
"""Returns (n, units) float32 logits of (n, hidden) states after the last norm."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a forward says.

    Parameters:
        log_probs: in the order of ``Pack.asked``.
        by_head: (h, units) float32, in the order of ``Pack.by_head``.
    """

    log_probs: list[float]
    by_head: NDArray[np.float32]

    @classmethod
    def of(cls, flat: torch.Tensor, questions: int, places: int) -> Self:
        """Take both out of one float32 tensor on the host: ``questions`` values, then the rest."""
        values = flat.numpy()
        logits = values[questions:].reshape(places, -1) if places else values[:0].reshape(0, 0)
        return cls(values[:questions].tolist(), logits)


Answers = Callable[[], Answer]
"""Waits for a forward and returns its answer."""


class Runner(Protocol):
    """Runs packs through a model.

    Attributes:
        cache: keys and values of what was read.
        ahead: forwards that may be started before the answers of the first one are taken.
        token_budget: tokens of one forward.
        busy: seconds that the device worked on forwards whose answers were taken.
        head: of the engine that is at work; None where it has none.
    """

    cache: KVCache
    ahead: int
    token_budget: int
    busy: float
    head: HeadLogits | None

    def start(self, pack: Pack) -> Answers:
        """Start to run a pack: its keys and values are cached, its answers can be waited for."""

    def adapted(self) -> None:
        """Be told that the model has another adapter; nothing that was cached counts any more."""

    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Cache a pack's keys and values as they were computed before, instead of running it."""
