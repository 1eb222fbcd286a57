"""A token sees the prefix and its own sample up to itself; the block tables say the same."""

from itertools import chain, repeat

import numpy as np
import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

from classifier.model.kv_cache import PAGE
from classifier.model.segment import PADDING, PREFIX
from training.adapter.fast.visibility import Visibility

CPU = torch.device("cpu")
LAYOUTS = {
    "within blocks": (100, [30, 5, 300, 77], 0),
    "on the blocks' borders": (PAGE, [PAGE, 2 * PAGE, 1, PAGE - 1], 0),
    "without a prefix": (0, [10, 118, 200], 56),
    "one sample": (300, [84], 0),
    "padding of more than a block": (5, [3], 376),
    "a long prefix and many short ones": (3 * PAGE + 1, [7] * 36, 3),
}


def visibility(layout: str) -> Visibility:
    prefix, own, padding = LAYOUTS[layout]
    counts = [(PREFIX, prefix), *enumerate(own), (PADDING, padding)]
    tickets = list(chain.from_iterable(repeat(ticket, count) for ticket, count in counts))
    tickets += [PADDING] * (-len(tickets) % PAGE)
    return Visibility.of(np.array(tickets), CPU)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_token_sees_the_prefix_and_its_own_sample_up_to_itself(layout: str) -> None:
    visible = visibility(layout)
    tickets = visible.tickets.tolist()

    dense = visible.dense()

    for query in range(0, len(tickets), 7):
        expected = [
            key <= query and tickets[key] in (PREFIX, tickets[query]) for key in range(len(tickets))
        ]
        assert dense[query].tolist() == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_block_tables_are_those_that_torch_finds(layout: str) -> None:
    visible = visibility(layout)
    size = len(visible.tickets)

    ours = visible.block_mask()

    found = create_block_mask(ours.mask_mod, None, None, size, size, device="cpu", BLOCK_SIZE=PAGE)
    for counts, blocks in (
        ("kv_num_blocks", "kv_indices"),
        ("full_kv_num_blocks", "full_kv_indices"),
        ("q_num_blocks", "q_indices"),
        ("full_q_num_blocks", "full_q_indices"),
    ):
        many, expected = getattr(found, counts)[0, 0], getattr(found, blocks)[0, 0]
        assert torch.equal(getattr(ours, counts)[0, 0], many), counts
        for block, count in enumerate(many.tolist()):
            given = getattr(ours, blocks)[0, 0, block, :count]
            assert sorted(given.tolist()) == sorted(expected[block, :count].tolist())


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_with_the_mask_is_dense_attention() -> None:
    visible = visibility("within blocks")
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, len(visible.tickets), 16)

    by_blocks = flex_attention(query, key, value, block_mask=visible.block_mask())

    dense = scaled_dot_product_attention(query, key, value, attn_mask=visible.dense())
    assert torch.allclose(by_blocks, dense, atol=1e-5)
