"""The plan of labels: how many label nodes each request reads with the next forward."""

from collections.abc import Collection

from classifier.engine.budget import CHEAP_TOKENS
from classifier.engine.request import Request

WIDTH = 4
"""A search reads at least so many nodes in a forward of labels alone. The second and third best
name are often needed too, and a forward costs more than a token. Beside new tickets a search reads
only the nodes it needs: there they cost no forward."""
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
        works_ahead: whether the runner starts a forward before the one before has ended. Only the
            nodes that are needed are then read beside new tickets; elsewhere tickets wait until
            the batch before them is answered.
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
    """Plan the labels that are read with their tickets: those of live ones all, up to a share."""
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
    """Plan up to ``width`` nodes of each search, where that is cheap."""
    cheap = _cheap(budget)
    for request in running:
        request.plan(width)
        if request.cost > cheap:
            request.plan(1)


def _plan_all(requests: Collection[Request]) -> None:
    for request in requests:
        request.plan_all()


def _are_cheap(requests: Collection[Request], budget: int) -> bool:
    """Return whether all labels of all requests cost little more than no forward."""
    return sum(request.full_cost for request in requests) <= _cheap(budget)


def _cheap(budget: int) -> int:
    return min(CHEAP_TOKENS, budget)
