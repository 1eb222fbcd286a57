"""Thoughts about doubtful tickets: greedy, bounded, many tickets side by side.

A step reads one token of each ticket. A forward of a hundred tokens costs little more than one of a
single token, so many tickets think together. At the end the cache is as it was before: a thought is
read again with its ticket when unit names are scored behind it.
"""

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate

import numpy as np
import torch

from classifier.engine.engine import Engine
from classifier.model.kv_cache import PAGE
from classifier.model.pack import BEST, Pack
from classifier.model.segment import Segment

logger = logging.getLogger(__name__)

TOGETHER = PAGE
"""Tickets that think side by side: one token of each fills a page of the cache."""


def think(
    engine: Engine,
    tickets: Sequence[Sequence[int]],
    limit: int,
    until: float,
    ends: Collection[int] | None = None,
) -> list[list[int]]:
    """Return the likeliest thought about each ticket, token by token.

    It must not be called while a scheduler has requests: it takes the cache for itself.

    Args:
        engine: whose model thinks.
        tickets: n tickets in tokens.
        limit: tokens of a thought at most.
        until: monotonic time at which all thoughts end where they are.
        ends: tokens that end a thought; by default those of the prompt.
    """
    stops = engine.prompt.thought_stops if ends is None else ends
    limit = _limit_to_cache(engine, limit)
    thoughts: list[list[int]] = [[] for _ in tickets]
    for rows in _groups(engine, tickets, limit):
        group = [tickets[row] for row in rows]
        try:
            found = _think_together(engine, group, limit, until, stops)
        except torch.OutOfMemoryError:
            logger.warning(
                "no GPU memory for the thoughts about %d tickets",
                len(rows),
                extra={"action": "thoughts.dropped", "tickets": len(rows)},
            )
            continue
        for row, thought in zip(rows, found, strict=True):
            thoughts[row] = thought
    engine.counts.thoughts += sum(map(bool, thoughts))
    engine.counts.thought_tokens += sum(map(len, thoughts))
    return [engine.prompt.without_end(thought) for thought in thoughts]


def _limit_to_cache(engine: Engine, limit: int) -> int:
    """Return how many tokens a thought may have, so that the cache need not grow.

    Each step takes a page; half the free pages are kept for the tickets. The model is compiled for
    the cache's size, so the cache must keep it.
    """
    most = engine.backbone.runner.cache.free_rows // PAGE // 2
    if limit <= most:
        return limit
    logger.warning(
        "thoughts have %d tokens at most: the GPU's memory stores no more",
        most,
        extra={"action": "thoughts.shortened", "tokens": most},
    )
    return most


def _groups(engine: Engine, tickets: Sequence[Sequence[int]], limit: int) -> Iterator[list[int]]:
    """Yield the rows of tickets that one forward reads and the cache has room for."""
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


def _think_together(
    engine: Engine,
    tickets: Sequence[Sequence[int]],
    limit: int,
    until: float,
    ends: Collection[int],
) -> list[list[int]]:
    """Return the thoughts about tickets that are read in one forward; see ``think``."""
    question_end, cache = engine.prompt.question_end, engine.backbone.runner.cache
    thoughts: list[list[int]] = [[] for _ in tickets]
    last = {row: engine.segment([*ids, *question_end]) for row, ids in enumerate(tickets)}
    numbers = [segment.ticket for segment in last.values()]
    try:
        for _ in range(limit):
            if not last or time.monotonic() >= until:
                break
            found = _likeliest(engine, list(last.values()))
            going_on = [
                (row, token) for row, token in zip(last, found, strict=True) if token not in ends
            ]
            last = {row: _next_segment(engine, last[row], token) for row, token in going_on}
            for row, token in going_on:
                thoughts[row].append(token)
    finally:
        for number in numbers:
            cache.release(number)
    return thoughts


def _next_segment(engine: Engine, last: Segment, token: int) -> Segment:
    """Return the segment of a token that follows the last one read.

    All that was read of a ticket becomes one segment. A segment for each token would make a chain,
    and every step would walk through all of it.
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
    answer = runner.start(Pack(runner.cache, segments, asked))()
    return [int(token) for token in answer.log_probs]
