"""Block masks of a forward: which pages of the store each 128 tokens look at.

Made from the segments on the CPU, never by trying all pairs of tokens and rows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.pack import Pack
from classifier.store import PAGE, PREFIX, Segment

Table = NDArray[np.int32]


class Blocks(NamedTuple):
    """For each of n blocks of queries the pages it looks at; p is the number of pages.

    In the order of ``BlockMask.from_kv_blocks``.

    Attributes:
        partial: (n,) how many pages must be looked at row by row, ``partial_pages`` (n, p) which.
        full: (n,) how many pages are seen whole by all, ``full_pages`` (n, p) which.
    """

    partial: Table
    partial_pages: Table
    full: Table
    full_pages: Table


def blocks_of_all(pack: Pack, count: int) -> Blocks:
    """Return what the forward's tokens look at, in ``count`` blocks of them."""
    pages = pack.store.rows // PAGE
    seen = np.zeros((count, pages), bool)
    shared = np.zeros((count, pages), bool)
    own = pack.page_rows[::PAGE] // PAGE
    for segment, start, length in zip(pack.segments, pack.starts, pack.lengths, strict=True):
        first, last = int(start) // PAGE, int(start + length - 1) // PAGE
        seen[first : last + 1, _pages_above(segment)] = True
        for block in range(first, last + 1):
            seen[block, own[first : block + 1]] = True
    _see_prefix(pack, seen, shared, len(pack.ids))
    return _listed(seen, shared)


def blocks_of_places(pack: Pack, count: int) -> Blocks:
    """Return what the tokens at the pack's ``places`` look at, in ``count`` blocks of them."""
    pages = pack.store.rows // PAGE
    seen = np.zeros((count, pages), bool)
    shared = np.zeros((count, pages), bool)
    numbers = np.searchsorted(pack.starts, pack.places, side="right") - 1
    for block in range(-(-len(pack.places) // PAGE)):
        for number in np.unique(numbers[block * PAGE : (block + 1) * PAGE]):
            segment = pack.segments[number]
            seen[block, _pages_above(segment)] = True
            seen[block, segment.rows // PAGE] = True
    _see_prefix(pack, seen, shared, len(pack.places))
    return _listed(seen, shared)


def _pages_above(segment: Segment) -> NDArray[np.int64]:
    """The pages of what a segment continues, the prefix excepted."""
    above = [up.rows for up in segment.path() if up is not segment and up.ticket != PREFIX]
    return np.unique(np.concatenate(above) // PAGE) if above else np.zeros(0, np.int64)


def _see_prefix(pack: Pack, seen: NDArray[np.bool_], shared: NDArray[np.bool_], used: int) -> None:
    """Let the blocks that hold tokens look at the prefix; its filled pages are seen whole."""
    *_, top = pack.segments[0].path()
    if top.ticket != PREFIX or top is pack.segments[0]:
        return
    pages = top.rows[::PAGE] // PAGE
    whole = len(top.rows) // PAGE
    shared[: -(-used // PAGE), pages[:whole]] = True
    seen[: -(-used // PAGE), pages[whole:]] = True


def _listed(seen: NDArray[np.bool_], shared: NDArray[np.bool_]) -> Blocks:
    return Blocks(*_first(seen), *_first(shared))


def _first(seen: NDArray[np.bool_]) -> tuple[Table, Table]:
    """Return how many of each row are true, and their places, from the first column on."""
    rows, places = np.nonzero(seen)
    counts = np.bincount(rows, minlength=len(seen))
    table = np.zeros(seen.shape, np.int32)
    table[rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = places
    return counts.astype(np.int32), table
