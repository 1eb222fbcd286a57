"""A request: one ticket's search, from its first token to its certain answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.labels.search import Search
from classifier.labels.trie import Node
from classifier.model.segment import LABELS, Segment


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a ticket.

    Parameters:
        root: of the trie of the names to search; ``NO_NAMES`` for none.
        top_k: names to rank, see ``Search``.
        temperature: of the names' scores, see ``Search``.
        asks_head: whether the head is asked.
    """

    root: Node
    top_k: int | None
    temperature: float = 1.0
    asks_head: bool = False


class Request:
    """One ticket's search: what was read for it, and what is read next.

    For each forward, ``plan`` or ``plan_all`` chooses the label nodes, ``build_segments`` makes
    their segments, ``asked`` tells what the model is asked, and ``feed`` takes the answers.

    Args:
        question: what is asked.
        ticket: the segment of the ticket's own tokens.
        is_live: whether it is read before the others.

    Attributes:
        search: for the names of its units.
        head_logits: (units,) float32 of the head, once the ticket is read; before, and where it is
            not asked, there are none.
        number: of its ticket, under which the cache holds what was read.
        is_new: whether nothing of it was read.
        segments: what the next forward reads.
        has_guesses: whether label nodes are planned that the search may turn out not to need.
    """

    def __init__(self, question: Question, ticket: Segment, *, is_live: bool = False) -> None:
        self.question = question
        self.search = Search(question.root, question.top_k, question.temperature)
        self.ticket = ticket
        self.is_live = is_live
        self.head_logits: NDArray[np.float32] = np.zeros(0, np.float32)
        self.number = ticket.ticket
        self.is_new = True
        self.segments: list[Segment] = []
        self.has_guesses = False
        self._planned: list[tuple[Node, Node | None]] = []
        self._nodes: list[Node] = []
        self._read: dict[Node, Segment] = {}
        self._answers: dict[Node, tuple[list[float], dict[int, float]]] = {}

    @property
    def cost(self) -> int:
        """How many tokens it reads next."""
        own = len(self.ticket.tokens) if self.is_new else 0
        return own + sum(len(node.tokens_to_read()) for node, _ in self._planned)

    @property
    def rows_to_come(self) -> int:
        """How many rows of the cache it may take after its ticket's.

        A search that ranks all names reads all of them. Others read few, for which the cache keeps
        a part of its rows (``KVCache.room``).
        """
        return self.search.root.stop if self.search.top_k is None else 0

    @property
    def full_cost(self) -> int:
        """How many tokens it reads next with all labels, including labels already read."""
        own = len(self.ticket.tokens) if self.is_new else 0
        return own + self.search.root.stop

    def plan(self, width: int) -> None:
        """Plan the label nodes that the search needs, and guesses up to ``width`` nodes.

        A new request plans its ticket and the trunk of the trie, which costs a token or two and
        saves a forward. With a width of 0 it plans the ticket alone.
        """
        if self.is_new:
            self._planned = list(self.search.root.trunk()) if width else []
            self.has_guesses = bool(self._planned)
        else:
            wanted = self.search.wanted(width)
            self._planned = [(node, above[-1] if above else None) for node, above in wanted]
            self.has_guesses = width > 1

    def plan_all(self) -> None:
        """Plan all label nodes that were not read."""
        below = self.search.root.descendants()
        self._planned = [(node, above) for node, above in below if node not in self._read]
        self.has_guesses = True

    def build_segments(self) -> None:
        """Make the segments of what is planned."""
        self.segments = [self.ticket] if self.is_new else []
        self._nodes = [node for node, _ in self._planned]
        for node, above in self._planned:
            upper = self.ticket if above is None else self._read[above]
            first, stop = LABELS + node.first, LABELS + node.stop
            segment = Segment(node.tokens_to_read(), upper, self.number, first, stop)
            self._read[node] = segment
            self.segments.append(segment)

    def preempt(self) -> None:
        """Undo ``build_segments``: the forward did not run. Plan anew, with a width of 1."""
        for node in self._nodes:
            del self._read[node]
        self._nodes = []
        self.plan(1)

    def asked(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield places among the tokens of ``segments``, and which tokens may follow each."""
        at = 0
        if self.is_new:
            at = len(self.ticket.tokens)
            if self.search.root.children:
                yield at - 1, [child.tokens[0] for child in self.search.root.children]
        for node in self._nodes:
            for followers in node.followers():
                yield at, followers
                at += 1

    def by_head(self) -> Iterator[int]:
        """Yield the place among the tokens of ``segments`` at which the head is asked, if it is."""
        if self.is_new and self.question.asks_head:
            yield len(self.ticket.tokens) - 1

    def feed(self, values: Iterator[float], by_head: Iterator[NDArray[np.float32]]) -> bool:
        """Take the answers to ``asked`` and ``by_head``; return whether the search is certain."""
        if self.is_new:
            if self.question.asks_head:
                self.head_logits = next(by_head)
            self.is_new = False
            self.search.start(
                {child.tokens[0]: next(values) for child in self.search.root.children}
            )
        for node in self._nodes:
            inside = [next(values) for _ in node.tokens[1:]]
            after = {child.tokens[0]: next(values) for child in node.children}
            self._answers[node] = inside, after
        self._nodes = []
        # The search takes guesses too: what was read is worth knowing.
        while known := [node for node in self.search.open_nodes if node in self._answers]:
            for node in known:
                self.search.feed(node, *self._answers.pop(node))
        self.plan(1)
        return not self._planned
