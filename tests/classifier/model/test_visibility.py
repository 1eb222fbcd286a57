"""The mask of attention, as flex_attention computes it."""

import numpy as np
import torch
from torch.nn.attention.flex_attention import create_mask

from classifier.model.blocks import blocks_of_all
from classifier.model.frame import Frame
from classifier.model.kv_cache import PAGE
from classifier.model.pack import Pack
from classifier.model.row_tables import RowTables
from classifier.model.segment import LABELS, Segment
from tests.support.runners import CPU
from tests.support.segments import small_cache, visible


def entered(tables: RowTables, pack: Pack) -> Pack:
    rows, *entries = (torch.from_numpy(array).int() for array in RowTables.entries(pack))
    tables.write(rows, entries)
    return pack


def test_the_mask_is_what_the_segments_say() -> None:
    cache, tables = small_cache(), RowTables(CPU)
    tables.grow(cache.rows)
    prefix = Segment(list(range(130)))
    entered(tables, Pack(cache, [prefix]))
    ticket, other = Segment([7] * 40, prefix, 1, 130), Segment([7] * 30, prefix, 2, 130)
    label = Segment([8, 9], ticket, 1, LABELS, LABELS + 4)
    below = Segment([3], label, 1, LABELS + 2, LABELS + 3)
    beside = Segment([3], label, 1, LABELS + 3, LABELS + 4)
    pack = entered(tables, Pack(cache, [ticket, other, label, below, beside], [(0, [1])]))

    size = 2 * PAGE
    contents = Frame.contents(pack, slice(None), size, blocks_of_all(pack, 2))
    frame = Frame(torch.from_numpy(contents.astype(np.int32)), size, tables)
    sees = frame.visible.block_mask().mask_mod
    mask = create_mask(sees, None, None, size, cache.rows, device="cpu")
    assert np.array_equal(
        mask[0, 0, : len(pack.ids)].numpy(), visible(pack, np.arange(len(pack.ids)))
    )
