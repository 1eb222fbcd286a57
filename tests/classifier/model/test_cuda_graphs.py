"""Sizes of forwards; that a recorded one computes the same is tested on a GPU."""

import pytest

from classifier.model.cuda_graphs import RECORDED_TOKENS, frame_sizes
from classifier.model.kv_cache import PAGE


@pytest.mark.parametrize(
    ("tokens", "asked", "sizes"),
    [
        (1, 1, (256, 256)),
        (256, 3, (256, 256)),
        (257, 257, (384, 384)),
        (2048, 9, (2048, 2048)),
        (2049, 1, (2176, 256)),  # two pages at least
        (16_000, 300, (16_000, 384)),
    ],
)
def test_small_forwards_are_filled_up_to_a_recorded_size_and_others_to_whole_pages(
    tokens: int, asked: int, sizes: tuple[int, int]
) -> None:
    assert frame_sizes(tokens, asked) == sizes
    assert all(size % PAGE == 0 for size in RECORDED_TOKENS)
