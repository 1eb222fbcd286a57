"""The engine: a base model with one adapter and one prompt, which scores unit names.

The engine reads the prefix (role and units) once, and keeps its keys and values. Every ticket is
read behind the prefix, and every label token behind its ticket.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.engine.budget import TokenBudget
from classifier.engine.counts import Counts
from classifier.engine.request import Question, Request
from classifier.engine.scheduler import Scheduler
from classifier.labels.head import Head
from classifier.labels.prompt import Prompt
from classifier.labels.search import Search
from classifier.labels.trie import NO_NAMES, LabelTrie, Node
from classifier.model.backbone import Backbone
from classifier.model.lora import Adapter
from classifier.model.pack import Pack
from classifier.model.segment import Segment

TICKET_NUMBERS = 1 << 30
"""Numbers of tickets begin again after so many: by then nothing is left of the first ones."""


class Engine:
    """Scores unit names of tickets with one adapter and one prompt.

    Args:
        backbone: the loaded base.
        adapter: its adapter; None for the base alone.
        prompt: of the units that can be answered.
        token_budget: tokens of one forward at most; the runner's by default. It shrinks where the
            GPU's memory turns out too small for it.
        head: of the version; None where names alone are asked for.
    """

    def __init__(
        self,
        backbone: Backbone,
        adapter: Adapter | None,
        prompt: Prompt,
        token_budget: int | None = None,
        head: Head | None = None,
    ) -> None:
        self.backbone = backbone
        self.head = head.to(backbone.device) if head else None
        self.adapter = adapter or Adapter({})
        self.prompt = prompt
        self.budget = TokenBudget(token_budget or backbone.runner.token_budget)
        self.counts = Counts()
        self._numbers = itertools.cycle(range(TICKET_NUMBERS))
        self.prefix = Segment(prompt.prefix)
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None
        if backbone.active_engine is None:
            self._activate()  # warms up, unless that would disturb the engine that answers now

    @property
    def token_budget(self) -> int:
        """Tokens of one forward at most."""
        return self.budget.tokens

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
        """Like ``search``, for tickets already in tokens, each at most ``prompt.room`` long."""
        wanted = zip(roots, top_k, strict=True)
        questions = [Question(root, names, temperature) for root, names in wanted]
        return [request.search for request in self.answer(self.requests(tickets, questions))]

    def scores(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Return every label's score of every text: unit code -> log-probability of its name."""
        codes = frozenset(self.prompt.labels)
        root = LabelTrie(self.prompt.labels, self.backbone.end).restricted(codes)
        searches = self.search(texts, [root] * len(texts), [None] * len(texts))
        return [search.scores for search in searches]

    def head_logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the head's logits of every text, (n, units) in the order of its rows.

        Raises:
            ValueError: the engine has no head.
        """
        if self.head is None:
            raise ValueError("this engine has no head")
        question = Question(NO_NAMES, None, asks_head=True)
        tickets = self.prompt.tickets(texts)
        answered = self.answer(self.requests(tickets, [question] * len(tickets)))
        empty = np.zeros((0, len(self.head.codes)), np.float32)
        return np.concatenate([empty, *(one.head_logits[None] for one in answered)])

    def answer(self, requests: Sequence[Request]) -> Sequence[Request]:
        """Let a scheduler of their own finish requests, and return them."""
        scheduler = self.scheduler()
        scheduler.add(requests)
        try:
            while not scheduler.is_done:
                scheduler.step()
        finally:
            scheduler.close()
        return requests

    def next_number(self) -> int:
        """Return a number for a new ticket, which no other ticket in the cache has."""
        return next(self._numbers)

    def segment(self, ids: Sequence[int]) -> Segment:
        """Return tokens of a new ticket as a segment behind the prefix."""
        return Segment(ids, self.prefix, self.next_number(), len(self.prefix.tokens))

    def requests(
        self,
        tickets: Sequence[Sequence[int]],
        questions: Sequence[Question],
        *,
        live: Sequence[bool] | None = None,
        thoughts: Sequence[Sequence[int]] | None = None,
    ) -> list[Request]:
        """Return a request for each ticket, to be added to a scheduler.

        Args:
            tickets: as in ``search_tokens``.
            questions: what is asked of each.
            live: which tickets overtake those that wait; none by default.
            thoughts: of each, in tokens; empty ones by default.
        """
        before, behind = self.prompt.question_end, self.prompt.thought_end
        return [
            Request(question, self.segment([*ids, *before, *thought, *behind]), is_live=is_live)
            for ids, question, thought, is_live in zip(
                tickets,
                questions,
                thoughts or [()] * len(tickets),
                live or [False] * len(tickets),
                strict=True,
            )
        ]

    def scheduler(self) -> Scheduler:
        """Return an empty scheduler; until it is done, nothing else may use the backbone."""
        self._activate()
        return Scheduler(self.backbone.runner, self.budget, self.counts)

    def _activate(self) -> None:
        """Give the runner this engine's adapter and prefix, unless it has them."""
        if self.backbone.active_engine is self:
            return
        self.backbone.active_engine = None
        self.adapter.activate(self.backbone.model)
        runner = self.backbone.runner
        runner.adapted()
        runner.head = self.head.logits if self.head else None
        cache = runner.cache
        cache.release_all()
        if self._kept is None:
            runner.start(Pack(cache, [self.prefix]))()
            rows = torch.from_numpy(self.prefix.rows).to(cache.keys.device)
            self._kept = cache.keys[:, rows], cache.values[:, rows]
        else:
            runner.restore(Pack(cache, [self.prefix]), *self._kept)
        self.backbone.active_engine = self
