"""The order of samples is an epoch's own."""

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler

from training.adapter.sampling import EpochOrder


def test_an_epoch_has_its_order_whatever_was_drawn_before() -> None:
    epoch = 0
    lengths = [n % 7 + 1 for n in range(200)]
    order = EpochOrder(LengthGroupedSampler(4, lengths=lengths), 3407, lambda: epoch)

    first = list(order)
    torch.rand(5)
    assert list(order) == first
    epoch = 1
    second = list(order)

    assert second != first
    assert sorted(second) == sorted(first) == list(range(len(order)))
    again = EpochOrder(LengthGroupedSampler(4, lengths=lengths), 3407, lambda: 1)
    assert list(again) == second
