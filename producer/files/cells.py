"""Cells of a record: which of them hold something."""

from collections.abc import Sequence
from typing import Any


def is_empty(cell: Any) -> bool:
    """Say whether a cell holds nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def width_of(record: Sequence[Any]) -> int:
    """Return the number of cells up to the last one that holds something."""
    width = len(record)
    while width and is_empty(record[width - 1]):
        width -= 1
    return width
