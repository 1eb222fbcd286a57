"""The engine: reads packed tickets behind a shared prefix and searches their labels.

The prefix (role and units) is read once for each adapter and prompt. Then every forward takes what
there is to read, up to a budget of tokens: new tickets, and beside them the label tokens that the
searches of earlier ones ask for, which so cost no forward of their own. Where the runner lets it,
the next forward is composed and started while the one before still runs.
"""

import itertools
import logging
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from classifier.labels.prompt import Prompt
from classifier.labels.search import Search
from classifier.labels.trie import LabelTrie, Node
from classifier.model.backbone import Backbone
from classifier.model.kv_cache import LABELS, Segment
from classifier.model.lora import Adapter
from classifier.model.pack import Pack
from classifier.model.runner import Answers
from core.errors import InputError

logger = logging.getLogger(__name__)

# Nodes a search reads in one step at least, where the step is a forward of its own: the second and
# third best are often needed too, and a step costs more than a token. Where labels ride with new
# tickets a step costs nothing, and only what is needed is read.
WIDTH = 4
# So many tokens cost a forward little more than none: tickets that with all their labels have no
# more are read in one, and forwards of labels alone read that many.
CHEAP_TOKENS = 1024
# Live tickets take this part of a forward with their labels; more of them wait like others.
LIVE_SHARE = 4
# Numbers of tickets come again so late that nothing is left of the last one.
_TICKETS = 1 << 30


@dataclass(slots=True)
class Counts:
    """What the engine did, for benchmarks."""

    tickets: int = 0
    ticket_tokens: int = 0
    label_nodes: int = 0
    label_tokens: int = 0
    forwards: int = 0
    thoughts: int = 0
    thought_tokens: int = 0


class Engine:
    """Scores labels of tickets with one adapter and one prompt.

    Args:
        backbone: the loaded base.
        adapter: its adapter; None for the base alone.
        prompt: of the units that can be answered.
        token_budget: tokens of one forward; the runner's by default. It shrinks where the GPU's
            memory turns out too small for it.
    """

    def __init__(
        self,
        backbone: Backbone,
        adapter: Adapter | None,
        prompt: Prompt,
        token_budget: int | None = None,
    ) -> None:
        self.backbone = backbone
        self.adapter = adapter or Adapter({})
        self.prompt = prompt
        self.token_budget = token_budget or backbone.runner.token_budget
        self.counts = Counts()
        self._numbers = itertools.cycle(range(_TICKETS))
        self.prefix = Segment(prompt.prefix)
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None
        if not backbone.is_held:
            self._activate()  # warms up; else the one that answers now is not disturbed

    def search(
        self,
        texts: Sequence[str],
        roots: Sequence[Node],
        top_k: Sequence[int | None],
        temperature: float = 1.0,
    ) -> list[Search]:
        """Return each ticket's finished search.

        Args:
            texts: n tickets, masked.
            roots: the trie of each ticket's allowed units.
            top_k: units to rank of each, see ``Search``.
            temperature: see ``Search``.
        """
        return self.search_tokens(self.prompt.tickets(texts), roots, top_k, temperature)

    def search_tokens(
        self,
        tickets: Sequence[Sequence[int]],
        roots: Sequence[Node],
        top_k: Sequence[int | None],
        temperature: float = 1.0,
    ) -> list[Search]:
        """Do as ``search`` for tickets in tokens, no longer than the prompt's ``room`` each."""
        scheduler = self.scheduler()
        searches = scheduler.add(tickets, roots, top_k, temperature)
        try:
            while not scheduler.is_done:
                scheduler.step()
        finally:
            scheduler.close()
        return searches

    def scores(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Return every label's score of every text: unit code -> log-probability of its name."""
        codes = frozenset(self.prompt.labels)
        root = LabelTrie(self.prompt.labels, self.backbone.end).restricted(codes)
        searches = self.search(texts, [root] * len(texts), [None] * len(texts))
        return [search.scores for search in searches]

    def next_number(self) -> int:
        """Return a ticket's number that no other has."""
        return next(self._numbers)

    def scheduler(self) -> "Scheduler":
        """Return an empty scheduler; until it is done, nothing else may use the backbone."""
        self._activate()
        return Scheduler(self)

    def _activate(self) -> None:
        """Give the runner this engine's adapter and prefix, unless it has them."""
        if self.backbone.holder is not None and self.backbone.holder() is self:
            return
        self.backbone.holder = None
        self.adapter.activate(self.backbone.model)
        runner = self.backbone.runner
        runner.adapted()
        cache = runner.cache
        cache.release_all()
        if self._kept is None:
            runner.start(Pack(cache, [self.prefix]))()
            rows = torch.from_numpy(self.prefix.rows).to(cache.keys.device)
            self._kept = cache.keys[:, rows], cache.values[:, rows]
        else:
            runner.restore(Pack(cache, [self.prefix]), *self._kept)
        self.backbone.holder = weakref.ref(self)


class Scheduler:
    """Tickets on their way through the model; others may join while they are read.

    Args:
        engine: that reads them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runner = engine.backbone.runner
        self._unfinished: set[Request] = set()
        self._waiting: deque[Request] = deque()
        self._ready: deque[Request] = deque()
        self._started: deque[tuple[list[Request], Answers]] = deque()
        # Tokens of the next forward, after one for which there was no memory.
        self._cap = engine.token_budget

    @property
    def is_running(self) -> bool:
        """Whether a forward was started whose answers were not taken."""
        return bool(self._started)

    @property
    def is_done(self) -> bool:
        """Whether every search is finished."""
        return not self._unfinished

    @property
    def has_room(self) -> bool:
        """Whether the next forward would take more tickets.

        A runner that does not work ahead takes its tickets batch by batch: more of them would only
        come later.
        """
        if not self._runner.ahead:
            return self.is_done
        cost = sum(request.cost for request in (*self._ready, *self._waiting))
        return cost < self._engine.token_budget

    def add(
        self,
        tickets: Sequence[Sequence[int]],
        roots: Sequence[Node],
        top_k: Sequence[int | None],
        temperature: float = 1.0,
        live: Sequence[bool] | None = None,
        thoughts: Sequence[Sequence[int]] | None = None,
    ) -> list[Search]:
        """Let tickets join; see ``Engine.search_tokens``. Their searches finish in ``step``.

        Args:
            tickets: as there, like the next three.
            roots: of their tries.
            top_k: units to rank.
            temperature: of scores.
            live: which overtake those that wait; they are read with all their labels in one
                forward, as long as they take no more than a part of it.
            thoughts: of each, in tokens; empty ones by default.
        """
        prompt, counts = self._engine.prompt, self._engine.counts
        above, first = self._engine.prefix, len(prompt.prefix)
        requests = [
            Request(
                Search(root, k, temperature),
                Segment(
                    [*ids, *prompt.question_end, *thought, *prompt.thought_end],
                    above,
                    self._engine.next_number(),
                    first,
                ),
            )
            for ids, root, k, thought in zip(
                tickets, roots, top_k, thoughts or [()] * len(tickets), strict=True
            )
        ]
        counts.tickets += len(requests)
        counts.ticket_tokens += sum(len(request.ticket.tokens) for request in requests)
        self._unfinished.update(requests)
        for request, hurries in zip(requests, live or (), strict=bool(live)):
            request.is_live = hurries
        # Like lengths together.
        self._waiting += sorted(
            (request for request in requests if not request.is_live),
            key=lambda request: len(request.ticket.tokens),
        )
        first_of_all = [request for request in requests if request.is_live]
        self._waiting.extendleft(reversed(first_of_all))
        return [request.search for request in requests]

    def step(self) -> list[Search]:
        """Start the next forward and take the answers of one before; return what they finished.

        Raises:
            InputError: a ticket does not fit into the GPU's memory even alone.
        """
        chosen = self._choose()
        if chosen and not self._begin(chosen):
            return self._with_less(chosen)
        if self._started and (len(self._started) > self._runner.ahead or not chosen):
            return self._finish(*self._started.popleft())
        return []

    def close(self) -> None:
        """Let go of what is not finished, whatever failed."""
        for request in self._unfinished:
            self._runner.cache.release(request.ticket.ticket)
        for queue in (self._unfinished, self._waiting, self._ready, self._started):
            queue.clear()

    def _begin(self, chosen: list["Request"]) -> bool:
        """Start a forward; return whether there was memory for it."""
        try:
            self._started.append((chosen, self._start(chosen)))
        except torch.OutOfMemoryError:
            return False  # what it took is free again only after this block
        self._cap = min(2 * self._cap, self._engine.token_budget)
        return True

    def _with_less(self, chosen: list["Request"]) -> list[Search]:
        """Put back what there was no memory for; read less at once."""
        tokens = sum(len(segment.tokens) for request in chosen for segment in request.segments)
        hopeless = len(chosen) == 1 and not chosen[0].has_guesses and not self._started
        finished: list[Search] = []
        while self._started:
            finished += self._finish(*self._started.popleft())
        self._put_back(chosen)
        for request in chosen:
            request.take_back()
            if request.is_new:
                self._runner.cache.release(request.ticket.ticket)
        torch.cuda.empty_cache()
        if hopeless:
            raise InputError(
                f"a ticket of {len(chosen[0].ticket.tokens)} tokens does not fit into the GPU's "
                "memory beside the model: free memory on the GPU, or train with a smaller "
                "max_seq_length"
            )
        self._cap = max(1, tokens // 2)
        # A small forward tells nothing of large ones: something else took the memory just then.
        learned = max(CHEAP_TOKENS, tokens // 2)
        if learned < self._engine.token_budget and tokens > CHEAP_TOKENS:
            self._engine.token_budget = self._runner.token_budget = learned
        logger.warning(
            "no GPU memory for a forward of %d tokens; forwards have %d at most from now on",
            tokens,
            self._engine.token_budget,
        )
        return finished

    def _put_back(self, chosen: Sequence["Request"]) -> None:
        """Let requests be the next ones again."""
        for request in reversed(chosen):
            (self._waiting if request.is_new else self._ready).appendleft(request)

    def _choose(self) -> list["Request"]:
        """Plan the next forward: labels first, then new tickets, within the budget."""
        budget = min(self._cap, self._engine.token_budget)
        cache = self._runner.cache
        self._plan_labels(budget)
        chosen: list[Request] = []
        taken = 0
        for queue, rows in ((self._ready, cache.free_rows), (self._waiting, cache.room)):
            room = min(budget, rows)
            while queue and (taken + queue[0].cost <= room or not (chosen or self._started)):
                request = queue.popleft()
                taken += request.cost
                chosen.append(request)
        if taken < min(CHEAP_TOKENS, budget // 2) and self._started and self._waiting:
            # Held up by a full cache: what runs frees some of it, a short forward would not.
            self._put_back(chosen)
            return []
        return chosen

    def _plan_labels(self, budget: int) -> None:
        """Decide how many label nodes searches read on a guess.

        None where they ride with new tickets, which costs their tokens alone. Else what a forward
        reads for nearly nothing, to save further forwards: all there is, if that is so little.
        """
        cheap = min(CHEAP_TOKENS, budget)
        alone = not (self._ready or self._started)
        allowance = budget // LIVE_SHARE
        for request in self._waiting:
            allowance -= request.tokens_of_all
            if request.is_live and allowance >= 0:
                request.plan_all()
            else:
                request.plan(1)
                if request.cost > budget:
                    request.plan(0)
        if self._waiting and alone and _tokens_of_all(self._waiting) <= cheap:
            for request in self._waiting:
                request.plan_all()
        elif not self._runner.ahead or not self._waiting:
            guesses = WIDTH
            few = False
            if self._runner.ahead and self._ready:
                guesses = max(WIDTH, cheap // (2 * len(self._ready)))
                few = _tokens_of_all(self._ready) <= cheap
            for request in self._ready:
                if few:
                    request.plan_all()
                else:
                    request.plan(guesses)
                if request.cost > cheap:
                    request.plan(1)

    def _start(self, chosen: Sequence["Request"]) -> Answers:
        for request in chosen:
            request.lay_out()
        segments = [segment for request in chosen for segment in request.segments]
        counts = self._engine.counts
        asked: list[tuple[int, Sequence[int]]] = []
        at = 0
        for request in chosen:
            asked += ((at + place, tokens) for place, tokens in request.asked())
            at += sum(len(segment.tokens) for segment in request.segments)
            nodes = [segment for segment in request.segments if segment is not request.ticket]
            counts.label_nodes += len(nodes)
            counts.label_tokens += sum(len(segment.tokens) for segment in nodes)
        counts.forwards += 1
        return self._runner.start(Pack(self._runner.cache, segments, asked))

    def _finish(self, chosen: Sequence["Request"], answers: Answers) -> list[Search]:
        """Let the searches go on with what a forward found; return those that are finished."""
        values = iter(answers())
        finished = []
        for request in chosen:
            if request.feed(values):
                self._runner.cache.release(request.ticket.ticket)
                self._unfinished.remove(request)
                finished.append(request.search)
            else:
                self._ready.append(request)
        return finished


class Request:
    """One ticket's search while it runs: what was read of it, and what is read next.

    Attributes:
        ticket: the segment of its own tokens.
        is_live: whether it is read before others, see ``Scheduler.add``.
        segments: what the next forward reads.
    """

    def __init__(self, search: Search, ticket: Segment) -> None:
        self.search = search
        self.ticket = ticket
        self.is_live = False
        self.segments: list[Segment] = []
        self._started = False
        self._planned: list[tuple[Node, Node | None]] = []
        self._guesses = False
        self._nodes: list[Node] = []
        self._read: dict[Node, Segment] = {}
        self._told: dict[Node, tuple[list[float], dict[int, float]]] = {}

    @property
    def is_new(self) -> bool:
        """Whether nothing of it was read."""
        return not self._started

    @property
    def has_guesses(self) -> bool:
        """Whether labels are planned that need not be read in any case."""
        return self._guesses

    @property
    def tokens_of_all(self) -> int:
        """How many tokens it has with all labels, as far as nothing was read."""
        own = len(self.ticket.tokens) if self.is_new else 0
        return own + self.search.root.stop

    @property
    def cost(self) -> int:
        """How many tokens it reads next."""
        own = len(self.ticket.tokens) if self.is_new else 0
        return own + sum(len(_to_read(node)) for node, _ in self._planned)

    def plan(self, width: int) -> None:
        """Read what must be read in any case next, and at least so many promising label nodes.

        With a new ticket that is what most names begin with, unless the width is 0: it saves a
        step, and costs a token or two.
        """
        if self.is_new:
            self._planned = list(_trunk(self.search.root)) if width else []
            self._guesses = bool(self._planned)
        else:
            wanted = self.search.wanted(width)
            self._planned = [(node, above[-1] if above else None) for node, above in wanted]
            self._guesses = width > 1

    def plan_all(self) -> None:
        """Read all that is left next."""
        self._planned = [
            (node, above) for node, above in _all_below(self.search.root) if node not in self._read
        ]
        self._guesses = True

    def lay_out(self) -> None:
        """Make the segments of what is planned."""
        self.segments = [self.ticket] if self.is_new else []
        self._nodes = [node for node, _ in self._planned]
        for node, above in self._planned:
            upper = self.ticket if above is None else self._read[above]
            tokens, ticket = _to_read(node), self.ticket.ticket
            segment = Segment(tokens, upper, ticket, LABELS + node.first, LABELS + node.stop)
            self._read[node] = segment
            self.segments.append(segment)

    def take_back(self) -> None:
        """Undo ``lay_out``: it was not read after all; plan no guesses."""
        for node in self._nodes:
            del self._read[node]
        self._nodes = []
        self.plan(1)

    def asked(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield after which tokens of ``segments``, counted through, which tokens may follow."""
        at = 0
        if not self._started:
            at = len(self.ticket.tokens)
            yield at - 1, [child.tokens[0] for child in self.search.root.children]
        for node in self._nodes:
            for followers in _followers(node):
                yield at, followers
                at += 1

    def feed(self, values: Iterator[float]) -> bool:
        """Take the answers to ``asked``, in order; return whether the search is certain."""
        if not self._started:
            self._started = True
            self.search.start(
                {child.tokens[0]: next(values) for child in self.search.root.children}
            )
        for node in self._nodes:
            inside = [next(values) for _ in node.tokens[1:]]
            self._told[node] = inside, {child.tokens[0]: next(values) for child in node.children}
        self._nodes = []
        # Guesses too: what was read is worth knowing.
        while known := [node for node in self.search.open_nodes if node in self._told]:
            for node in known:
                self.search.feed(node, *self._told.pop(node))
        self.plan(1)
        return not self._planned


def _tokens_of_all(requests: Iterable[Request]) -> int:
    return sum(request.tokens_of_all for request in requests)


def _all_below(root: Node, above: Node | None = None) -> Iterator[tuple[Node, Node | None]]:
    """Yield the nodes of a trie that are read, each with the one above it, parents first."""
    for node in root.children:
        if _to_read(node):
            yield node, above
            yield from _all_below(node, node)


def _trunk(root: Node) -> Iterator[tuple[Node, Node | None]]:
    """Yield the nodes behind which most units lie, each with the one above it."""
    above: Node | None = None
    children = root.children
    while most := next((node for node in children if 2 * node.leaves > root.leaves), None):
        if most.unit is not None:
            return
        yield most, above
        above, children = most, most.children


def _to_read(node: Node) -> tuple[int, ...]:
    """The tokens of a node whose followers are asked for: all but a leaf's last."""
    return node.tokens if node.unit is None else node.tokens[:-1]


def _followers(node: Node) -> list[list[int]]:
    """Which tokens are asked for after each token that is read."""
    inside = [[token] for token in node.tokens[1:]]
    return inside if node.unit is not None else [*inside, [c.tokens[0] for c in node.children]]
