"""The scheduler: what each forward reads, and what becomes of its answers."""

from collections import deque
from collections.abc import Sequence

import torch

from classifier.engine.budget import CHEAP_TOKENS, TokenBudget
from classifier.engine.counts import Counts
from classifier.engine.label_plan import plan_labels
from classifier.engine.request import Request
from classifier.model.pack import Pack
from classifier.model.runner import Answers, Runner
from core.errors import InputError


class Scheduler:
    """Requests on their way through the model; others may join while they are read.

    A request waits until its ticket is read. Then it runs: each forward reads some of its label
    nodes, until its search is certain. Label nodes are read beside new tickets, so that they need
    no forward of their own. A runner that works ahead starts a forward before the one before has
    ended.

    Args:
        runner: runs the forwards.
        budget: how many tokens a forward may read; where it shrinks, the runner's shrinks with it.
        counts: of what is read; kept up to date.
    """

    def __init__(self, runner: Runner, budget: TokenBudget, counts: Counts) -> None:
        self._runner = runner
        self._budget = budget
        self._counts = counts
        self._unfinished: set[Request] = set()
        self._waiting: deque[Request] = deque()
        self._running: deque[Request] = deque()
        self._forwards: deque[tuple[list[Request], Answers]] = deque()
        budget.reset()

    @property
    def is_busy(self) -> bool:
        """Whether a forward was started whose answers were not taken."""
        return bool(self._forwards)

    @property
    def is_done(self) -> bool:
        """Whether every search is finished."""
        return not self._unfinished

    @property
    def has_room(self) -> bool:
        """Whether the next forward would take more tickets.

        A runner that does not work ahead reads batch after batch: more tickets would only wait.
        """
        if not self._runner.ahead:
            return self.is_done
        cost = sum(request.cost for request in (*self._running, *self._waiting))
        return cost < self._budget.tokens

    def add(self, requests: Sequence[Request]) -> None:
        """Let requests join; their searches finish in ``step``.

        Live ones go before all that wait. The others go behind, the shortest tickets first.
        """
        self._counts.add_tickets(requests)
        self._unfinished.update(requests)
        others = [request for request in requests if not request.is_live]
        self._waiting += sorted(others, key=lambda request: len(request.ticket.tokens))
        live = [request for request in requests if request.is_live]
        self._waiting.extendleft(reversed(live))

    def step(self) -> list[Request]:
        """Start the next forward and take the answers of one before; return what they finished.

        Raises:
            InputError: a ticket does not fit into the GPU's memory even alone.
        """
        chosen = self._choose()
        if chosen and not self._start(chosen):
            return self._recover(chosen)
        if self._forwards and (len(self._forwards) > self._runner.ahead or not chosen):
            return self._finish(*self._forwards.popleft())
        return []

    def close(self) -> None:
        """Drop all requests, and release what the cache holds for them."""
        for request in self._unfinished:
            self._runner.cache.release(request.number)
        for queue in (self._unfinished, self._waiting, self._running, self._forwards):
            queue.clear()

    def _choose(self) -> list[Request]:
        """Choose the requests of the next forward: first those that run, then new ones."""
        budget, cache = self._budget.next, self._runner.cache
        plan_labels(
            self._waiting,
            self._running,
            budget,
            is_idle=not (self._running or self._forwards),
            works_ahead=self._runner.ahead > 0,
        )
        chosen: list[Request] = []
        taken = 0
        room = min(budget, cache.free_rows)
        while self._running and (taken + self._running[0].cost <= room or self._must_go(chosen)):
            chosen.append(self._running.popleft())
            taken += chosen[-1].cost
        rows = cache.room - self._rows_to_come(chosen)
        while self._waiting and (
            taken + self._waiting[0].cost <= min(budget, rows - self._waiting[0].rows_to_come)
            or self._must_go(chosen)
        ):
            chosen.append(self._waiting.popleft())
            taken += chosen[-1].cost
            rows -= chosen[-1].rows_to_come
        if taken < min(CHEAP_TOKENS, budget // 2) and self._forwards and self._waiting:
            # Tickets wait because the cache is full. The forward that runs frees some of it, so
            # wait for it instead of starting a tiny one.
            self._put_back(chosen)
            return []
        return chosen

    def _must_go(self, chosen: Sequence[Request]) -> bool:
        """Whether the next request goes whatever it costs: else nothing would be read."""
        return not (chosen or self._forwards)

    def _rows_to_come(self, chosen: Sequence[Request]) -> int:
        """Return how many rows of the cache are spoken for by requests whose ticket was read."""
        under_way = (request for requests, _ in self._forwards for request in requests)
        read = (*self._running, *chosen, *under_way)
        return sum(request.rows_to_come for request in read)

    def _start(self, chosen: list[Request]) -> bool:
        """Start a forward; return whether there was memory for it."""
        try:
            self._forwards.append((chosen, self._run(chosen)))
        except torch.OutOfMemoryError:
            return False  # what it took is free again only after this block
        self._budget.grow()
        return True

    def _run(self, chosen: Sequence[Request]) -> Answers:
        """Lay out what the requests read and ask, one after the other, and let the runner run."""
        asked: list[tuple[int, Sequence[int]]] = []
        by_head: list[int] = []
        at = 0
        for request in chosen:
            request.build_segments()
            asked += ((at + place, tokens) for place, tokens in request.asked())
            by_head += (at + place for place in request.by_head())
            at += sum(len(segment.tokens) for segment in request.segments)
        self._counts.add_forward(chosen)
        segments = [segment for request in chosen for segment in request.segments]
        return self._runner.start(Pack(self._runner.cache, segments, asked, by_head))

    def _finish(self, chosen: Sequence[Request], answers: Answers) -> list[Request]:
        """Let the searches go on with a forward's answers; return those that are finished."""
        answer = answers()
        values, by_head = iter(answer.log_probs), iter(answer.by_head)
        finished = []
        for request in chosen:
            if request.feed(values, by_head):
                self._runner.cache.release(request.number)
                self._unfinished.remove(request)
                finished.append(request)
            else:
                self._running.append(request)
        return finished

    def _recover(self, chosen: list[Request]) -> list[Request]:
        """Read less at once, after a forward for which there was no memory.

        Forwards that run are finished first. Return the searches that they finish.
        """
        tokens = sum(len(segment.tokens) for request in chosen for segment in request.segments)
        is_hopeless = len(chosen) == 1 and not chosen[0].has_guesses and not self._forwards
        finished: list[Request] = []
        while self._forwards:
            finished += self._finish(*self._forwards.popleft())
        self._preempt(chosen)
        torch.cuda.empty_cache()
        if is_hopeless:
            raise InputError(
                f"a ticket of {len(chosen[0].ticket.tokens)} tokens does not fit into the GPU's "
                "memory beside the model: free memory on the GPU, or train with a smaller "
                "max_seq_length"
            )
        if self._budget.shrink(tokens):
            self._runner.token_budget = self._budget.tokens
        return finished

    def _preempt(self, chosen: Sequence[Request]) -> None:
        """Take requests back out of a forward that did not run."""
        self._put_back(chosen)
        for request in chosen:
            request.preempt()
            if request.is_new:
                self._runner.cache.release(request.number)

    def _put_back(self, chosen: Sequence[Request]) -> None:
        """Let requests be the next ones again."""
        for request in reversed(chosen):
            (self._waiting if request.is_new else self._running).appendleft(request)
