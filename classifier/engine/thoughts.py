"""Thoughts about doubtful tickets: greedy, bounded, many tickets side by side.

A step reads one token of each ticket, which costs nearly as much for one as for a hundred; so the
tickets think together. The thoughts' keys and values are let go of at the end: a thought is read
again with its ticket when labels are scored behind it.
"""

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate

import numpy as np
import torch

from classifier.engine.engine import Engine
from classifier.model.kv_cache import PAGE, Segment
from classifier.model.pack import BEST, Pack

logger = logging.getLogger(__name__)

TOGETHER = PAGE
"""Tickets that think side by side: each step's tokens fill a page of the cache."""


def think(
    engine: Engine,
    tickets: Sequence[Sequence[int]],
    limit: int,
    until: float,
    ends: Collection[int] | None = None,
) -> list[list[int]]:
    """Return the likeliest thought about each ticket, token by token.

    While a scheduler is under way it must not be called: it takes the cache for itself.

    Args:
        engine: whose model thinks.
        tickets: n tickets in tokens.
        limit: tokens of a thought at most.
        until: monotonic time at which all thoughts end where they are.
        ends: tokens that end a thought; by default those of the prompt.
    """
    stops = engine.prompt.thought_stops if ends is None else ends
    thoughts: list[list[int]] = [[] for _ in tickets]
    # A step takes a page of the cache, and tickets want as many; it must not grow, for what is
    # compiled is for its size.
    most = engine.backbone.runner.cache.free_rows // PAGE // 2
    if limit > most:
        logger.warning("thoughts have %d tokens at most: the GPU's memory stores no more", most)
        limit = most
    for rows in _groups(engine, tickets, limit):
        try:
            _think(engine, tickets, thoughts, rows, limit, until, stops)
        except torch.OutOfMemoryError:
            logger.warning("no GPU memory for the thoughts about %d tickets", len(rows))
            for row in rows:
                thoughts[row].clear()
    engine.counts.thoughts += sum(map(bool, thoughts))
    engine.counts.thought_tokens += sum(map(len, thoughts))
    return [engine.prompt.without_end(thought) for thought in thoughts]


def _groups(engine: Engine, tickets: Sequence[Sequence[int]], limit: int) -> Iterator[list[int]]:
    """Yield rows of tickets that are read in one forward and find room in the cache."""
    room = min(engine.token_budget, engine.backbone.runner.cache.free_rows - limit * PAGE)
    rows: list[int] = []
    taken = 0
    for row, ids in enumerate(tickets):
        cost = len(ids) + len(engine.prompt.question_end)
        if rows and (taken + cost > room or len(rows) == TOGETHER):
            yield rows
            rows, taken = [], 0
        rows.append(row)
        taken += cost
    if rows:
        yield rows


def _think(
    engine: Engine,
    tickets: Sequence[Sequence[int]],
    thoughts: Sequence[list[int]],
    rows: Sequence[int],
    limit: int,
    until: float,
    ends: Collection[int],
) -> None:
    """Let some tickets think; their thoughts are lengthened in place."""
    prompt, cache = engine.prompt, engine.backbone.runner.cache
    last = {row: engine.segment([*tickets[row], *prompt.question_end]) for row in rows}
    numbers = [segment.ticket for segment in last.values()]
    try:
        for _ in range(limit):
            if not last or time.monotonic() >= until:
                break
            found = _likeliest(engine, list(last.values()))
            going_on = [
                (row, token) for row, token in zip(last, found, strict=True) if token not in ends
            ]
            last = {row: _after(engine, last[row], token) for row, token in going_on}
            for row, token in going_on:
                thoughts[row].append(token)
    finally:
        for number in numbers:
            cache.release(number)


def _after(engine: Engine, last: Segment, token: int) -> Segment:
    """Return the segment of a token that follows the last one read.

    What was read of a ticket becomes one segment: a chain of one for each token would have to be
    walked through in every step.
    """
    above = last.above
    if above is not None and above is not engine.prefix:
        last = Segment(
            [*above.tokens, *last.tokens],
            engine.prefix,
            last.ticket,
            above.first,
            rows=np.concatenate((above.rows, last.rows)),
            pages=[*above.pages, *last.pages],
        )
    return Segment([token], last, last.ticket, last.first + len(last.tokens))


def _likeliest(engine: Engine, segments: Sequence[Segment]) -> list[int]:
    """Read segments; return the likeliest token after each."""
    runner = engine.backbone.runner
    stops = accumulate(len(segment.tokens) for segment in segments)
    asked = [(stop - 1, [BEST]) for stop in stops]
    return [int(token) for token in runner.start(Pack(runner.cache, segments, asked))()]
