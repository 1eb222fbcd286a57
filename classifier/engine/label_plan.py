"""The plan of labels: how many label nodes each request reads with the next forward."""

from collections.abc import Collection

from classifier.engine.budget import CHEAP_TOKENS
from classifier.engine.request import Request

WIDTH = 4
"""In a forward of labels alone a search aims at so many nodes or more. The second and third best
name are often needed too, and a forward costs more than a token. Beside new tickets a search reads
only the nodes it needs, which need no forward of their own there."""
LIVE_SHARE = 4
"""Live tickets read all their labels at once, up to this part of a forward (a quarter)."""


def plan_labels(
    waiting: Collection[Request],
    running: Collection[Request],
    budget: int,
    *,
    is_idle: bool,
    works_ahead: bool,
) -> None:
    """Plan which label nodes each request reads next.

    Args:
        waiting: requests whose ticket was not read, in their order.
        running: requests whose ticket was read.
        budget: tokens of the next forward.
        is_idle: whether nothing runs: no request, and no forward.
        works_ahead: whether the runner starts a forward before the one before has ended. If so,
            only needed nodes are read beside new tickets. If not, new tickets wait for the batch
            before them to be answered.
    """
    if is_idle and _are_cheap(waiting, budget):
        _plan_all(waiting)
        return
    _plan_waiting(waiting, budget)
    if not works_ahead:
        _plan_guesses(running, budget, WIDTH)
    elif running and not waiting:
        if _are_cheap(running, budget):
            _plan_all(running)
        else:
            _plan_guesses(running, budget, max(WIDTH, _cheap(budget) // (2 * len(running))))


def _plan_waiting(waiting: Collection[Request], budget: int) -> None:
    """Plan labels read together with their tickets: all of a live ticket's, within a share.

    With any other ticket the trunk of its trie is read, if both fit in the forward.
    """
    allowance = budget // LIVE_SHARE
    for request in waiting:
        allowance -= request.full_cost
        if request.is_live and allowance >= 0:
            request.plan_all()
        else:
            request.plan(1)
            if request.cost > budget:
                request.plan(0)


def _plan_guesses(running: Collection[Request], budget: int, width: int) -> None:
    """Plan ``width`` nodes or more of each search; only the needed ones where that is not cheap."""
    cheap = _cheap(budget)
    for request in running:
        request.plan(width)
        if request.cost > cheap:
            request.plan(1)


def _plan_all(requests: Collection[Request]) -> None:
    for request in requests:
        request.plan_all()


def _are_cheap(requests: Collection[Request], budget: int) -> bool:
    """Return whether all requests, with all labels, would fit in a cheap forward.

    Such a forward costs little more than one of a single token.
    """
    return sum(request.full_cost for request in requests) <= _cheap(budget)


def _cheap(budget: int) -> int:
    return min(CHEAP_TOKENS, budget)
