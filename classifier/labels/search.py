"""Exact search: the most probable units of a ticket, without scoring all of them.

The search goes best-first over the label trie. The log-probability of a node's path bounds every
name behind the node: each further token can only lower it. Once the best leaves beat every open
node, they are the exact answer (A*, with zero as the bound of what is left).

The search does not call the model. ``wanted`` names nodes to read, and ``feed`` takes what the
model said of them, so the searches of many tickets share one forward. Where one name has nearly all
of the probability, the others are not worth reading for their order: the ranking ends early.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from classifier.labels.trie import Node

TIE = 1e-6
"""Scores that differ by less are a tie, which goes by unit code: rounding must not decide."""
OPEN_MASS = 1e-4
"""A search ends when its unread names weigh at most this share of those that were read. It bounds
the error of the probabilities."""


@dataclass(slots=True, eq=False)
class _Open:
    """A node that the model has not read, though it has read all nodes above it.

    Attributes:
        node: which.
        bound: the log-probability of the path up to the node's first token.
        mass: the log of what the names behind it can weigh at most, after temperature.
        above: the nodes above it, from the top.
    """

    node: Node
    bound: float
    mass: float
    above: tuple[Node, ...]


class Search:
    """The search for one ticket.

    Args:
        root: of the trie of the allowed units (``LabelTrie.restricted``).
        top_k: how many units to rank at most; None to read and rank all, however unlikely.
        temperature: scores are divided by it before they become probabilities.

    Call ``start`` once. Then, while ``wanted()`` is not empty, read those nodes and ``feed`` each.

    Attributes:
        scores: unit code -> log-probability of its name, of the names read so far.
        read: how many nodes the model read.
    """

    def __init__(self, root: Node, top_k: int | None, temperature: float = 1.0) -> None:
        self.root = root
        self.top_k = top_k
        self.temperature = temperature
        self.scores: dict[str, float] = {}
        self._open: list[_Open] = []
        self.read = 0
        self._spread = max(0.0, 1 - 1 / temperature)

    def start(self, log_probs: Mapping[int, float]) -> None:
        """Begin with what the model said of the token right after the ticket.

        Args:
            log_probs: token -> natural log of its probability under the full softmax, at least for
                the first tokens of ``root.children``.
        """
        self._push(self.root.children, 0.0, log_probs, ())

    @property
    def open_nodes(self) -> list[Node]:
        """The nodes that can be fed: the nodes above them were."""
        return [entry.node for entry in self._open]

    def wanted(self, width: int = 1) -> list[tuple[Node, tuple[Node, ...]]]:
        """Return the nodes to read, most promising first, each with those above it.

        There are none once the answer is certain. Otherwise there are as many as must be read in
        any case, and at least ``width`` if so many are open: a guess may save a forward.
        """
        if self.top_k is None:
            best = sorted(self._open, key=lambda entry: -entry.bound)
            return [(entry.node, entry.above) for entry in best]
        heaviest = sorted(self._open, key=lambda entry: -entry.mass)
        left_open, read = log_sum(entry.mass for entry in heaviest), self._read_mass()
        open_is_small = left_open <= read + math.log(OPEN_MASS)
        if not heaviest or (open_is_small and self._ranked()):
            return []
        # In the end the open nodes weigh no more than this together. So the lightest nodes may stay
        # open that weigh no more together; all others must be read, whatever they turn out to hold.
        allowed = log_sum((read, left_open)) + math.log(OPEN_MASS)
        count, light = len(heaviest), 0.0
        while count > max(width, 1):
            light += math.exp(heaviest[count - 1].mass - allowed)
            if light > 1:
                break
            count -= 1
        return [(entry.node, entry.above) for entry in heaviest[:count]]

    def feed(
        self, node: Node, inside: Sequence[float], after: Mapping[int, float] | None = None
    ) -> None:
        """Take what the model said of a node; those above it were fed before.

        Args:
            node: the node.
            inside: log-probabilities of ``node.tokens[1:]``, each after those before it.
            after: token -> log-probability of what follows the node; not needed at a leaf.
        """
        entry = next(entry for entry in self._open if entry.node is node)
        self._open.remove(entry)
        self.read += 1
        score = entry.bound + math.fsum(inside)
        if node.unit is not None:
            self.scores[node.unit] = score
        else:
            assert after is not None
            self._push(node.children, score, after, (*entry.above, node))

    def ranking(self) -> list[tuple[str, float]]:
        """Return the best units with their probability among the allowed ones, best first.

        They are at most ``top_k``. The ranking ends where an unread name may come next: then each
        unit that is missing has a probability under ``OPEN_MASS``.
        """
        total = self._read_mass()
        ranked = self._ranked()
        return [(code, math.exp(score / self.temperature - total)) for code, score in ranked]

    def _push(
        self,
        nodes: Sequence[Node],
        score: float,
        log_probs: Mapping[int, float],
        above: tuple[Node, ...],
    ) -> None:
        """Open nodes whose parent was read; ``score`` is the log-probability up to them."""
        for node in nodes:
            bound = score + log_probs[node.tokens[0]]
            if node.unit is not None and len(node.tokens) == 1:
                self.scores[node.unit] = bound  # nothing is left to read
            else:
                self._open.append(_Open(node, bound, self._most_behind(node, bound), above))

    def _ranked(self) -> list[tuple[str, float]]:
        """Return the units whose rank no open node can change any more, with their scores."""
        open_to = max((entry.bound for entry in self._open), default=-math.inf) + TIE
        ranked = rank(self.scores)[: self.top_k]
        return list(itertools.takewhile(lambda unit: unit[1] > open_to, ranked))

    def _read_mass(self) -> float:
        """Return the log of what the names that were read weigh, after temperature."""
        return log_sum(score / self.temperature for score in self.scores.values())

    def _most_behind(self, node: Node, bound: float) -> float:
        """Return the log of what the names behind a node can weigh at most, after temperature.

        Their probabilities p sum to e^bound at most. At a temperature T above 1, p^(1/T) is
        concave, so its sum is largest where all names are alike; below 1, where one has all.
        """
        return bound / self.temperature + self._spread * math.log(node.leaves)


def rank(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """Order units by score, best first; among those that tie with the best one left, by code."""
    left = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    ranked: list[tuple[str, float]] = []
    while left:
        best = left[0][1]
        tied = [item for item in left if item[1] >= best - TIE]
        first = min(tied)
        ranked.append(first)
        left.remove(first)
    return ranked


def log_sum(scores: Iterable[float]) -> float:
    """Return log Σ exp(score), -inf for none."""
    values = list(scores)
    if not values:
        return -math.inf
    highest = max(values)
    if highest == -math.inf:
        return -math.inf
    return highest + math.log(math.fsum(math.exp(value - highest) for value in values))
