"""What the device knows of each row of the KV cache: its ticket, order and stop."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.model.pack import Pack
from classifier.model.segment import PADDING

Array = NDArray[Any]


class RowTables:
    """Ticket, order and stop of each row, as ``segment`` explains them.

    Attributes:
        columns: the three tables, (rows,) int32 each.

    Args:
        device: of the model.
    """

    def __init__(self, device: torch.device) -> None:
        self.columns = [torch.zeros(0, dtype=torch.int32, device=device) for _ in range(3)]

    @property
    def rows(self) -> int:
        """How many rows the tables have."""
        return len(self.columns[0])

    def clear(self) -> None:
        """Let no row be anyone's."""
        self.columns[0].fill_(PADDING)

    def grow(self, rows: int) -> bool:
        """Make the tables as long as the cache; return whether they are other ones now."""
        missing = rows - self.rows
        if not missing:
            return False
        new = self.columns[0].new_full((missing,), PADDING)
        self.columns = [torch.cat((column, new)) for column in self.columns]
        return True

    def write(self, rows: torch.Tensor, entries: Sequence[torch.Tensor]) -> None:
        """Enter what ``entries`` made of a pack.

        Args:
            rows: (n,) int32.
            entries: ticket, order and stop of each, (n,) int32.
        """
        for column, values in zip(self.columns, entries, strict=True):
            column.index_copy_(0, rows.long(), values)

    @staticmethod
    def entries(pack: Pack) -> tuple[Array, Array, Array, Array]:
        """Return the rows of a pack's pages, and the ticket, order and stop of each.

        What is left of the last page is nobody's.
        """
        size = len(pack.page_rows)
        return (
            pack.page_rows,
            filled_up(pack.tickets, size, PADDING),
            filled_up(pack.order, size, 0),
            filled_up(pack.stops, size, 0),
        )


def filled_up(values: Array, size: int, filling: int) -> Array:
    """Return values with so much filling behind them that they have a size."""
    padded = np.full(size, filling, values.dtype)
    padded[: len(values)] = values
    return padded
