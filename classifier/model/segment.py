"""Segments: runs of tokens that are read one after the other, and who sees whom among them.

A segment continues another one: a label's tokens continue their ticket, and every ticket continues
the prefix. Three numbers of each cached token tell who sees it: its ticket, its order and its stop.
A token sees the rows of its own ticket and of the prefix whose span from order to stop holds its
own order. So the rows of a segment may lie anywhere in the cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PREFIX = -1
"""The ticket number of the prefix, which all tickets see."""
PADDING = -2
"""The ticket number of rows that are nobody's."""
LABELS = 1 << 24
"""Label tokens are ordered from here on: after all tokens of any ticket."""
END = 1 << 30
"""An order after all others."""

Numbers = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Segment:
    """Tokens that are read one after the other.

    Attributes:
        tokens: n of them, at least one.
        above: the segment they continue; None where nothing comes before.
        ticket: the number of the ticket they belong to.
        first: the order of the first token; the others count on from it. In a tree of labels
            the order is the place in the tree, parents before children.
        stop: the order from which on no token sees these.
        rows: (n,) where the keys and values go; set by ``KVCache.place``.
        pages: on which these rows lie, in order; likewise.
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
