"""Segments in a small KV cache, and who sees whom, told from the segments alone."""

from collections.abc import Sequence

import numpy as np
import torch

from classifier.model.kv_cache import KVCache
from classifier.model.pack import Pack
from classifier.model.segment import LABELS, Segment


def small_cache(pages: int = 12, *, steady: bool = False) -> KVCache:
    return KVCache(
        1, 1, 4, dtype=torch.float32, device=torch.device("cpu"), pages=pages, steady=steady
    )


def tree_pack(cache: KVCache, asked: Sequence[tuple[int, Sequence[int]]]) -> Pack:
    """A pack of labels, some of which continue others, behind tickets that are cached already."""
    prefix = Segment(list(range(300)))
    cache.place([prefix])
    tickets = [Segment([7] * n, prefix, n, 300) for n in (5, 120, 260, 33)]
    cache.place(tickets)
    labels = [Segment([8, 9], one, one.ticket, LABELS, LABELS + 5) for one in tickets]
    deeper = Segment([4, 4, 4], labels[1], labels[1].ticket, LABELS + 2, LABELS + 5)
    beside = Segment([5], tickets[1], tickets[1].ticket, LABELS + 5, LABELS + 6)
    return Pack(cache, [*labels, deeper, beside], asked)


def visible(pack: Pack, chosen: np.ndarray) -> np.ndarray:
    """(tokens, rows) who sees what, told from the segments alone."""
    seen = np.zeros((len(pack.ids), pack.cache.rows), bool)
    at = 0
    for segment in pack.segments:
        for inside in range(len(segment.tokens)):
            for above in segment.path():
                rows = above.rows[: inside + 1] if above is segment else above.rows
                seen[at, rows] = True
            at += 1
    return seen[chosen]
