"""The KV cache: keys and values of the tokens that were read, in pages.

``place`` gives segments their rows, ``release`` takes back the pages of a ticket. Rows are handed
out by the page; a page may be shared by the tickets whose tokens lie on it.
"""

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from classifier.model.segment import END, Numbers, Segment

PAGE = 128
"""Rows of a page: what is given and taken back at once, and a block of the block mask."""
SCRAP = 0
"""The page that padding is written to; nothing looks at it."""


def head_size(config: Any) -> int:
    """Return the size of an attention head by a model's configuration of transformers."""
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(size)


class KVCache:
    """Keys and values of all layers, (layers, rows, key-value heads, head size) each.

    Args:
        layers: how many.
        heads: key-value heads.
        size: of a head.
        dtype: of the model's computation.
        device: where.
        pages: to make room for; it grows where they are not enough.
        steady: whether to keep this size: ``room`` and ``free_rows`` are then limited.
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
        # Unseen rows are multiplied by zero, so they must not be NaN: zero times NaN is NaN.
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        # A heap gives the lowest page first. So the same calls give the same places, and sums are
        # taken in the same order.
        self._free = list(range(SCRAP + 1, pages + 1))
        self._pages_of: dict[int, list[int]] = {}
        self._reserved = len(self._free) // 8 if steady else None
        self._segments_on = [0] * (pages + 1)

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
        """Rows that new tickets may take.

        A part is left to labels, for without labels no ticket can finish.
        """
        if self._reserved is None:
            return END
        return max(0, len(self._free) - self._reserved) * PAGE

    def place(self, segments: Sequence[Segment]) -> Numbers:
        """Take pages for the segments' tokens, one after the other; return the pages' rows.

        A page stays taken until all tickets whose tokens lie on it have been released.
        """
        total = sum(len(segment.tokens) for segment in segments)
        pages = self._take(-(-total // PAGE))
        rows = (np.array(pages)[:, None] * PAGE + np.arange(PAGE)).ravel()
        at = 0
        for segment in segments:
            stop = at + len(segment.tokens)
            segment.rows = rows[at:stop]
            segment.pages = pages[at // PAGE : (stop - 1) // PAGE + 1]
            self._pages_of.setdefault(segment.ticket, []).extend(segment.pages)
            for page in segment.pages:
                self._segments_on[page] += 1
            at = stop
        return rows

    def release(self, ticket: int) -> None:
        """Give back the pages that only this ticket still uses."""
        for page in self._pages_of.pop(ticket, ()):
            self._segments_on[page] -= 1
            if self._segments_on[page] == 0:
                heapq.heappush(self._free, page)

    def release_all(self) -> None:
        """Give back all."""
        for ticket in list(self._pages_of):
            self.release(ticket)

    def _take(self, count: int) -> list[int]:
        if count > len(self._free):
            self._grow(max(count - len(self._free), len(self._segments_on)))
        return [heapq.heappop(self._free) for _ in range(count)]

    def _grow(self, pages: int) -> None:
        old = len(self._segments_on)
        # Both are made before either is taken over: there may be no memory for the second.
        self.keys, self.values = (
            _grown(self.keys, pages * PAGE),
            _grown(self.values, pages * PAGE),
        )
        self._segments_on += [0] * pages
        self._free += range(old, old + pages)  # higher than all others: still a heap


def new_cache(model: Any, pages: int = 8, *, steady: bool = False) -> KVCache:
    """Return an empty cache for a model's keys and values; see ``KVCache``."""
    config = model.config
    return KVCache(
        config.num_hidden_layers,
        config.num_key_value_heads,
        head_size(config),
        dtype=model.dtype,
        device=model.device,
        pages=pages,
        steady=steady,
    )


def _grown(tensor: torch.Tensor, more: int) -> torch.Tensor:
    layers, rows, heads, size = tensor.shape
    grown = tensor.new_zeros((layers, rows + more, heads, size))
    grown[:, :rows] = tensor
    return grown
