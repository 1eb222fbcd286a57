"""Training samples of a step, without their padding."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.adapter.soft.targets import Chances
from training.adapter.tokens import (
    ANSWER_AT,
    BESIDE,
    IGNORED,
    ROW,
    SOFT_PLACES,
    SOFT_WEIGHTS,
    UNITS,
    WEIGHT,
)

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """A sample of n tokens.

    Parameters:
        ids: (n,), all of them.
        learned: (m,) the places of those that the names' loss is over; never the first one.
        answer_at: place of the token where the head reads; None without a head.
        row: of the right unit in the head.
        units: (u,) probabilities of its rows, where the label is soft.
        soft_places: (k, 2) places and tokens that soft names add to the loss.
        soft_weights: (k,) of these, multiplied by ``weight``.
        weight: how much it counts.
    """

    ids: Numbers
    learned: Numbers
    answer_at: int | None = None
    row: int = 0
    units: Chances | None = None
    soft_places: Numbers = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    soft_weights: Chances = field(default_factory=lambda: np.empty(0))
    weight: float = 1.0


def examples_of(batch: Mapping[str, torch.Tensor]) -> list[Example]:
    """Return the samples of a padded batch as ``TicketCollator`` makes it.

    Raises:
        ValueError: the batch has columns that would be left out of the loss.
    """
    if unknown := sorted(set(batch) - {*_COLUMNS, *BESIDE}):
        raise ValueError(f"the fast path computes no loss of {', '.join(unknown)}")
    ids, labels, mask = (batch[name].cpu().numpy() for name in _COLUMNS)
    lengths = mask.sum(axis=1)
    heads: list[tuple[int | None, int]] = [(None, 0)] * len(ids)
    if ANSWER_AT in batch:
        heads = list(zip(batch[ANSWER_AT].tolist(), batch[ROW].tolist(), strict=True))
    weights = batch[WEIGHT].tolist() if WEIGHT in batch else [1.0] * len(ids)
    soft = _soft(batch)
    return [
        Example(
            ids[n, :length],
            1 + np.flatnonzero(labels[n, 1:length] != IGNORED),
            *heads[n],
            weight=weights[n],
            **{name: found(n) for name, found in soft.items()},
        )
        for n, length in enumerate(lengths)
    ]


def _soft(batch: Mapping[str, torch.Tensor]) -> dict[str, Callable[[int], Any]]:
    """Return what finds each soft field of the n-th sample."""
    found: dict[str, Callable[[int], Any]] = {}
    if UNITS in batch:
        units = batch[UNITS].cpu().numpy()
        found["units"] = lambda n: units[n]
    if SOFT_PLACES in batch:
        places, weights = batch[SOFT_PLACES].cpu().numpy(), batch[SOFT_WEIGHTS].cpu().numpy()
        found["soft_places"] = lambda n: places[places[:, 0] == n, 1:]
        found["soft_weights"] = lambda n: weights[places[:, 0] == n]
    return found


_COLUMNS = "input_ids", "labels", "attention_mask"


def shared_prefix(examples: Sequence[Example]) -> int:
    """Return how many first tokens all the samples have in common, but never all of one."""
    shortest = min(len(example.ids) for example in examples) - 1
    first, *others = (example.ids[:shortest] for example in examples)
    for other in others:
        unlike = np.flatnonzero(first[: len(other)] != other[: len(first)])
        if len(unlike):
            first = first[: unlike[0]]
    return len(first)
