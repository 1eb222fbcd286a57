"""The page tables of a block mask: which pages of the cache each block of 128 tokens looks at.

They follow from the segments, on the CPU. Pairs of tokens and rows are never tried.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.model.kv_cache import PAGE
from classifier.model.pack import Pack
from classifier.model.segment import PREFIX, Segment

Table = NDArray[np.int32]


class Blocks(NamedTuple):
    """The pages that each of n blocks of queries looks at; p is the number of pages.

    They stand in the order of ``BlockMask.from_kv_blocks``.

    Attributes:
        partial: (n,) how many pages must be looked at row by row.
        partial_pages: (n, p) which.
        full: (n,) how many pages all tokens of the block see whole.
        full_pages: (n, p) which.
    """

    partial: Table
    partial_pages: Table
    full: Table
    full_pages: Table


def blocks_of_all(pack: Pack, count: int) -> Blocks:
    """Return what the forward's tokens look at, in ``count`` blocks of them."""
    looks: list[set[int]] = [set() for _ in range(count)]
    for segment, start in zip(pack.segments, pack.starts.tolist(), strict=True):
        above, own = _pages_above(segment), segment.pages
        for number in range(len(own)):
            looks[start // PAGE + number].update(above, own[: number + 1])
    return _listed(pack, looks, len(pack.ids))


def blocks_of_places(pack: Pack, count: int) -> Blocks:
    """Return what the tokens at the pack's ``places`` look at, in ``count`` blocks of them."""
    looks: list[set[int]] = [set() for _ in range(count)]
    numbers = np.searchsorted(pack.starts, pack.places, side="right") - 1
    for block in range(-(-len(pack.places) // PAGE)):
        for number in set(numbers[block * PAGE : (block + 1) * PAGE].tolist()):
            segment = pack.segments[number]
            looks[block].update(_pages_above(segment), segment.pages)
    return _listed(pack, looks, len(pack.places))


def _pages_above(segment: Segment) -> list[int]:
    """Return the pages of what a segment continues, but for the prefix."""
    above = (up for up in segment.path() if up is not segment and up.ticket != PREFIX)
    return [page for up in above for page in up.pages]


def _listed(pack: Pack, looks: Sequence[set[int]], used: int) -> Blocks:
    """Return the tables of what blocks look at, with the prefix where they have tokens."""
    seen = np.zeros((len(looks), pack.cache.rows // PAGE), bool)
    shared = np.zeros_like(seen)
    for row, pages in zip(seen, looks, strict=True):
        row[list(pages)] = True
    _see_prefix(pack, seen, shared, used)
    return Blocks(*_first(seen), *_first(shared))


def _see_prefix(pack: Pack, seen: NDArray[np.bool_], shared: NDArray[np.bool_], used: int) -> None:
    """Let the blocks that have tokens look at the prefix; its filled pages are seen whole."""
    *_, top = pack.segments[0].path()
    if top.ticket != PREFIX or top is pack.segments[0]:
        return
    whole, filled = len(top.rows) // PAGE, -(-used // PAGE)
    shared[:filled, top.pages[:whole]] = True
    seen[:filled, top.pages[whole:]] = True


def _first(seen: NDArray[np.bool_]) -> tuple[Table, Table]:
    """Return how many of each row are true, and their places, from the first column on."""
    rows, places = np.nonzero(seen)
    counts = np.bincount(rows, minlength=len(seen))
    table = np.zeros(seen.shape, np.int32)
    table[rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = places
    return counts.astype(np.int32), table
