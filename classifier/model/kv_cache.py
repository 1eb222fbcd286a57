"""Keys and values of what was read, in pages, and the segments of tokens that fill them.

A segment continues another one: a label's tokens their ticket, and every ticket the prefix. Who may
see whom is told by three numbers for each row, so that a segment's rows may lie anywhere: a token
sees the rows of its own ticket and of the prefix whose span of order holds its own place.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

PAGE = 128
"""Rows of a page: what is given and taken back at once, and a block of the block mask."""
SCRAP = 0
"""The page that padding is written to; nothing looks at it."""
PREFIX = -1
"""The ticket number of the prefix, which all tickets see."""
PADDING = -2
LABELS = 1 << 24
"""Label tokens are ordered from here on: after all tokens of any ticket."""
END = 1 << 30

Numbers = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Segment:
    """Tokens that are read one after the other.

    Attributes:
        tokens: n of them, at least one.
        above: the segment they continue; None where nothing comes before.
        ticket: the number of the ticket they belong to.
        first: the order of the first token; each next one comes after it. In a tree of labels it
            is the place in the tree, parents before children.
        stop: the order at which what sees these tokens ends.
        rows: (n,) where keys and values went; set by reading.
        pages: on which they lie, in order; likewise.
        position: of the first token.
    """

    tokens: Sequence[int]
    above: "Segment | None" = None
    ticket: int = PREFIX
    first: int = 0
    stop: int = END
    rows: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    pages: Sequence[int] = ()
    position: int = field(init=False)

    def __post_init__(self) -> None:
        """Find the position."""
        self.position = self.above.position + len(self.above.tokens) if self.above else 0

    def path(self) -> Iterator["Segment"]:
        """Yield this segment and those above it, from here upwards."""
        segment: Segment | None = self
        while segment is not None:
            yield segment
            segment = segment.above


class KVCache:
    """Keys and values of all layers, (layers, rows, key-value heads, head size) each.

    Args:
        layers: how many.
        heads: key-value heads.
        size: of a head.
        dtype: of the model's computation.
        device: where.
        pages: to make room for; it grows where they are not enough.
        steady: whether ``room`` is limited, so that it need not grow.
    """

    def __init__(
        self,
        layers: int,
        heads: int,
        size: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        pages: int = 8,
        steady: bool = False,
    ) -> None:
        shape = (layers, (pages + 1) * PAGE, heads, size)
        # Zeros: what is not seen is multiplied by nought, and nought times NaN is NaN.
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        # A heap: the lowest page goes first, so that the same calls always give the same places,
        # and sums are taken in the same order.
        self._free = list(range(SCRAP + 1, pages + 1))
        self._held: dict[int, list[int]] = {}
        self._reserved = len(self._free) // 8 if steady else None
        self._holders = [0] * (pages + 1)

    @property
    def rows(self) -> int:
        """How many rows there are, free ones and the scrap page included."""
        return self.keys.shape[1]

    @property
    def free_pages(self) -> int:
        """How many pages can be taken before the cache grows."""
        return len(self._free)

    @property
    def free_rows(self) -> int:
        """Rows that may be taken; END where the cache may grow."""
        return END if self._reserved is None else len(self._free) * PAGE

    @property
    def room(self) -> int:
        """Rows that new tickets may take; a part is left to labels, without which none ends."""
        if self._reserved is None:
            return END
        return max(0, len(self._free) - self._reserved) * PAGE

    def place(self, segments: Sequence[Segment]) -> Numbers:
        """Take pages for the segments' tokens, one after the other; return the pages' rows.

        Each page is held by the tickets whose tokens lie on it, until all have been released.
        """
        total = sum(len(segment.tokens) for segment in segments)
        pages = self._take(-(-total // PAGE))
        rows = (np.array(pages)[:, None] * PAGE + np.arange(PAGE)).ravel()
        at = 0
        for segment in segments:
            stop = at + len(segment.tokens)
            segment.rows = rows[at:stop]
            segment.pages = pages[at // PAGE : (stop - 1) // PAGE + 1]
            self._held.setdefault(segment.ticket, []).extend(segment.pages)
            for page in segment.pages:
                self._holders[page] += 1
            at = stop
        return rows

    def release(self, ticket: int) -> None:
        """Give back what a ticket holds."""
        for page in self._held.pop(ticket, ()):
            self._holders[page] -= 1
            if self._holders[page] == 0:
                heapq.heappush(self._free, page)

    def release_all(self) -> None:
        """Give back all."""
        for ticket in list(self._held):
            self.release(ticket)

    def _take(self, count: int) -> list[int]:
        if count > len(self._free):
            self._grow(max(count - len(self._free), len(self._holders)))
        return [heapq.heappop(self._free) for _ in range(count)]

    def _grow(self, pages: int) -> None:
        old = len(self._holders)
        # Both are there before one is taken: there may be no memory for the second.
        self.keys, self.values = (
            _grown(self.keys, pages * PAGE),
            _grown(self.values, pages * PAGE),
        )
        self._holders += [0] * pages
        self._free += range(old, old + pages)  # higher than all others: still a heap


def _grown(tensor: torch.Tensor, more: int) -> torch.Tensor:
    layers, rows, heads, size = tensor.shape
    grown = tensor.new_zeros((layers, rows + more, heads, size))
    grown[:, :rows] = tensor
    return grown
