"""Frames: the inputs of a forward on the device, of a size that compiled code knows."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.model.blocks import Blocks
from classifier.model.kv_cache import PAGE, SCRAP
from classifier.model.pack import Pack
from classifier.model.row_tables import RowTables, filled_up
from classifier.model.segment import PADDING
from classifier.model.visibility import Visibility

Array = NDArray[Any]


class Frame:
    """The inputs of a forward, filled up to whole blocks of 128 tokens.

    Each is a tensor of its own, not a view: compiled code would depend on a view's place in its
    storage.

    Args:
        flat: int32, as ``contents`` lays it out.
        size: tokens, a multiple of ``PAGE``.
        tables: of the cache's rows.
    """

    def __init__(self, flat: torch.Tensor, size: int, tables: RowTables) -> None:
        self.size = size
        blocks, pages = size // PAGE, tables.rows // PAGE
        lengths = [size] * 6 + [blocks, blocks * pages] * 2
        self._parts = [part.clone() for part in torch.split(flat, lengths)]
        tickets, order, *columns = self._parts[:6]
        self.ids, self.positions, self.places, self.rows = (c.view(blocks, -1) for c in columns)
        partial, partial_pages, full, full_pages = self._parts[6:]
        self.visible = Visibility(
            tickets,
            order,
            partial,
            partial_pages.view(blocks, -1),
            full,
            full_pages.view(blocks, -1),
            *tables.columns,
        )
        for part in (self.rows, *self.visible[:6]):
            torch._dynamo.maybe_mark_dynamic(part, 0)

    def copy_(self, other: "Frame") -> None:
        """Take the contents of a frame of the same size."""
        torch._foreach_copy_(self._parts, other._parts)

    @staticmethod
    def contents(pack: Pack, chosen: Any, size: int, blocks: Blocks) -> Array:
        """Return ``flat`` for the chosen tokens of a pack."""
        columns = (
            (pack.tickets, PADDING),
            (pack.order, 0),
            (pack.ids, 0),
            (pack.positions, 0),
            (np.arange(len(pack.ids)), 0),
            (pack.rows, SCRAP),
        )
        padded = [filled_up(values[chosen], size, filling) for values, filling in columns]
        return np.concatenate([*padded, *(table.ravel() for table in blocks)])
