"""The tables of the cache's rows."""

import torch

from classifier.model.kv_cache import PAGE
from classifier.model.pack import Pack
from classifier.model.row_tables import RowTables
from classifier.model.segment import PADDING, Segment
from tests.support.runners import CPU
from tests.support.segments import small_cache


def test_what_is_left_of_the_last_page_is_nobodys() -> None:
    cache = small_cache()
    Pack(cache, [Segment([1] * 200, ticket=3)])
    cache.release(3)

    rows, tickets, order, stops = RowTables.entries(
        Pack(cache, [Segment([1] * 130, ticket=4, first=9, stop=500)])
    )

    assert len(rows) == len(tickets) == len(order) == len(stops) == 2 * PAGE
    assert tickets[:130].tolist() == [4] * 130
    assert tickets[130:].tolist() == [PADDING] * 126
    assert order[:3].tolist() == [9, 10, 11]
    assert stops[129] == 500


def test_tables_grow_with_the_cache_and_keep_their_entries() -> None:
    tables = RowTables(CPU)
    assert tables.grow(4)
    tables.write(
        torch.tensor([2]), [torch.tensor([value], dtype=torch.int32) for value in (7, 8, 9)]
    )

    assert tables.grow(6)

    assert not tables.grow(6)
    tickets, order, stops = (column.tolist() for column in tables.columns)
    assert tickets == [PADDING, PADDING, 7, PADDING, PADDING, PADDING]
    assert (order[2], stops[2]) == (8, 9)


def test_cleared_tables_let_no_row_be_anyones() -> None:
    tables = RowTables(CPU)
    tables.grow(4)
    tables.columns[0].fill_(7)

    tables.clear()

    assert tables.columns[0].tolist() == [PADDING] * 4
