"""The inputs of a forward."""

import numpy as np
import torch

from classifier.model.blocks import blocks_of_all, blocks_of_places
from classifier.model.frame import Frame
from classifier.model.kv_cache import PAGE, SCRAP
from classifier.model.pack import Pack
from classifier.model.row_tables import RowTables
from classifier.model.segment import PADDING, Segment
from tests.support.runners import CPU
from tests.support.segments import small_cache


def framed(pack: Pack, chosen: object, *, of_places: bool = False) -> Frame:
    tables = RowTables(CPU)
    tables.grow(pack.cache.rows)
    blocks = (blocks_of_places if of_places else blocks_of_all)(pack, 2)
    contents = Frame.contents(pack, chosen, 2 * PAGE, blocks)
    return Frame(torch.from_numpy(contents.astype(np.int32)), 2 * PAGE, tables)


def test_a_frame_is_filled_up_with_tokens_of_nobody_that_go_to_the_scrap_page() -> None:
    pack = Pack(small_cache(), [Segment([5, 6, 7], ticket=1, first=9)])

    frame = framed(pack, slice(None))

    assert frame.ids.shape == (2, PAGE)
    assert frame.ids[0, :4].tolist() == [5, 6, 7, 0]
    assert frame.rows[0, :4].tolist() == [*pack.rows.tolist(), SCRAP]
    assert frame.visible.tickets[:4].tolist() == [1, 1, 1, PADDING]
    assert frame.visible.order[:3].tolist() == [9, 10, 11]


def test_a_frame_of_places_knows_where_they_are_among_the_tokens() -> None:
    pack = Pack(small_cache(), [Segment([5, 6, 7], ticket=1)], [(2, [1])])

    asked = framed(pack, pack.places, of_places=True)

    assert asked.places[0, 0] == 2
    assert asked.positions[0, 0] == 2
    assert asked.visible.tickets[:2].tolist() == [1, PADDING]


def test_a_frame_takes_over_the_contents_of_another() -> None:
    one = framed(Pack(small_cache(), [Segment([5])]), slice(None))
    other = framed(Pack(small_cache(), [Segment([6], ticket=3)]), slice(None))

    one.copy_(other)

    assert one.ids[0, 0] == 6
    assert one.visible.tickets[0] == 3
