"""The pages that blocks of tokens look at."""

import numpy as np

from classifier.model.blocks import blocks_of_all, blocks_of_places
from classifier.model.kv_cache import PAGE
from tests.support.segments import small_cache, tree_pack, visible


def test_the_blocks_hold_exactly_the_pages_that_are_seen() -> None:
    """Whatever a token sees is listed; a page listed as full is seen whole by all of the block."""
    pack = tree_pack(small_cache(), [(3, [1]), (8, [1])])

    for chosen, blocks in (
        (np.arange(len(pack.ids)), blocks_of_all(pack, 1)),
        (pack.places, blocks_of_places(pack, 1)),
    ):
        sees = visible(pack, chosen)
        by_page = sees.reshape(len(chosen), -1, PAGE)
        partial = set(blocks.partial_pages[0, : blocks.partial[0]].tolist())
        full = set(blocks.full_pages[0, : blocks.full[0]].tolist())
        assert set(np.flatnonzero(by_page.any((0, 2))).tolist()) == partial | full
        assert all(by_page[:, page].all() for page in full)
        assert full
        assert not partial & full
