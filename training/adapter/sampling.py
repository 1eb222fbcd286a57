"""The order in which samples of like length are learned: an epoch's own, however it began."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from collections.abc import Callable, Iterator

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import LengthGroupedSampler


class EpochOrder(Sampler[int]):
    """Draws the order of each epoch by a seed of its own.

    The library draws it by the process' generator, as that is when the epoch begins. A training
    that goes on in the middle of an epoch would go through the rest of it in another order.

    Args:
        sampler: groups samples by length.
        seed: of the training.
        epoch: tells which epoch begins, or goes on.
    """

    def __init__(self, sampler: LengthGroupedSampler, seed: int, epoch: Callable[[], int]) -> None:
        self._sampler = sampler
        self._seed = seed
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        self._sampler.generator = torch.Generator().manual_seed(self._seed + self._epoch())
        return iter(self._sampler)

    def __len__(self) -> int:
        return len(self._sampler)
