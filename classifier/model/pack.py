"""A pack: the layout of one forward, segments one after the other, without padding."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from classifier.model.kv_cache import KVCache
from classifier.model.segment import Numbers, Segment

BEST = -1
"""Asked for where a token could be: the number of the likeliest one."""


@dataclass
class Pack:
    """Segments that are read together, and what is asked of them.

    Parameters:
        cache: where keys and values go; the segments' rows are set.
        segments: n of them with t tokens in all. One may continue another one of the pack.
        asked: pairs (place, tokens). Wanted are the log-probabilities of these tokens behind the
            token at that place; for ``BEST`` it is the number of the likeliest token.
        by_head: places at which the runner's head is asked for its logits.
    """

    cache: KVCache
    segments: Sequence[Segment]
    asked: Sequence[tuple[int, Sequence[int]]] = ()
    by_head: Sequence[int] = ()
    page_rows: Numbers = field(init=False)

    def __post_init__(self) -> None:
        """Take rows for all tokens."""
        self.page_rows = self.cache.place(self.segments)

    @cached_property
    def rows(self) -> Numbers:
        """The tokens' rows, (t,): all of the pages taken, but for the rest of the last one."""
        return self.page_rows[: len(self.ids)]

    @cached_property
    def ids(self) -> Numbers:
        """The tokens, (t,)."""
        return np.concatenate([np.asarray(segment.tokens) for segment in self.segments])

    @cached_property
    def lengths(self) -> Numbers:
        """The segments' lengths, (n,)."""
        return np.array([len(segment.tokens) for segment in self.segments])

    @cached_property
    def starts(self) -> Numbers:
        """Where each segment begins among the tokens, (n,)."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def before(self) -> Numbers:
        """How many tokens come before each segment, (n,): the position of its first token."""
        return np.array([segment.position for segment in self.segments])

    @cached_property
    def positions(self) -> Numbers:
        """The tokens' positions, (t,)."""
        return self._each(self.before)

    @cached_property
    def order(self) -> Numbers:
        """The tokens' order, (t,)."""
        return self._each(np.array([segment.first for segment in self.segments]))

    @cached_property
    def tickets(self) -> Numbers:
        """The tokens' tickets, (t,)."""
        return np.repeat([segment.ticket for segment in self.segments], self.lengths)

    @cached_property
    def stops(self) -> Numbers:
        """The order from which on no token sees them, (t,)."""
        return np.repeat([segment.stop for segment in self.segments], self.lengths)

    @cached_property
    def places(self) -> Numbers:
        """The tokens after which something is asked, (s,): those of ``asked``, then ``by_head``."""
        return np.array([*(place for place, _ in self.asked), *self.by_head], dtype=np.int64)

    @cached_property
    def questions(self) -> tuple[Numbers, Numbers]:
        """The tokens asked, flat: which of ``places``, and the token, (q,) each."""
        which = np.repeat(np.arange(len(self.asked)), [len(tokens) for _, tokens in self.asked])
        tokens = [token for _, asked in self.asked for token in asked]
        return which, np.array(tokens, dtype=np.int64)

    def _each(self, firsts: Numbers) -> Numbers:
        """Count on from each segment's first value."""
        inside = np.arange(len(self.ids)) - np.repeat(self.starts, self.lengths)
        return np.repeat(firsts, self.lengths) + inside
