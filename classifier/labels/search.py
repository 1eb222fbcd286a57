"""Exact search: the most probable units of a ticket, without scoring all of them.

Best-first over the label trie. The log-probability of a node's path so far bounds every name
behind it, for each further token can only lower it; so once the wanted leaves beat every open node
they are the exact answer (A*, with zero as the bound of what is left). The model is asked from
outside: ``wanted`` names nodes to read, ``feed`` takes what it said. So the searches of many
tickets share one batch. Where one name has nearly all of the probability, the order of the others
is not worth their reading, and the ranking ends early.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from classifier.labels.trie import Node

# Scores so close are a tie, which goes by unit code: rounding must not decide.
TIE = 1e-6
# What is left unread may weigh at most this share of what was read: it bounds the error that the
# unread names leave in the probabilities.
OPEN_MASS = 1e-4


@dataclass(slots=True, eq=False)
class _Open:
    """A node the model has not read.

    Attributes:
        node: which.
        bound: its score so far.
        mass: the log of what the names behind it can weigh at most, after temperature.
        above: the nodes above it, which were read.
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

    Use: ``start``, then while ``wanted()`` is not empty read those nodes
    and ``feed`` each.
    """

    def __init__(self, root: Node, top_k: int | None, temperature: float = 1.0) -> None:
        self.root = root
        self.top_k = top_k
        self.temperature = temperature
        self.scores: dict[str, float] = {}
        self._open: list[_Open] = []
        self.read = 0  # nodes the model read, for the bench
        self._spread = max(0.0, 1 - 1 / temperature)

    def start(self, log_probs: Mapping[int, float]) -> None:
        """Begin with the log-probabilities of the token right after the ticket.

        Args:
            log_probs: token -> natural log of its probability under the full softmax, at least for
                the first tokens of ``root.children``.
        """
        self._push(self.root.children, 0.0, log_probs, ())

    @property
    def open_nodes(self) -> list[Node]:
        """The nodes that can be fed: those above them were."""
        return [entry.node for entry in self._open]

    def wanted(self, width: int = 1) -> list[tuple[Node, tuple[Node, ...]]]:
        """Return nodes to read, most promising first, with those above them.

        Empty once the answer is certain. Otherwise as many as must be read in any case, and at
        least ``width`` if there are so many: reading on a guess saves steps.
        """
        if self.top_k is None:
            best = sorted(self._open, key=lambda entry: -entry.bound)
            return [(entry.node, entry.above) for entry in best]
        heaviest = sorted(self._open, key=lambda entry: -entry.mass)
        left_open, read = log_sum(entry.mass for entry in heaviest), self._read_mass()
        open_is_small = left_open <= read + math.log(OPEN_MASS)
        if not heaviest or (open_is_small and self._ranked()):
            return []
        # What stays open in the end weighs at most this share of all there is. Whatever a node
        # turns out to hold, no fewer than those that outweigh it together are read.
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
        """Take what the model said of a node that ``wanted`` named.

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

        At most ``top_k``, and only as far as no name that was left unread can come before: each
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
        return log_sum(score / self.temperature for score in self.scores.values())

    def _most_behind(self, node: Node, bound: float) -> float:
        """Return the log of what the names behind a node can weigh at most, after temperature.

        Their probabilities p sum to e^bound at most. Above a temperature of 1 the sum of p^(1/T) is
        largest where they are alike (p^(1/T) is concave), below it where one has all.
        """
        return bound / self.temperature + self._spread * math.log(node.leaves)


def rank(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """Order units by score; those within ``TIE`` of the best one left go by their code."""
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
