"""The engine: reads packed tickets behind a shared prefix and searches their labels.

The prefix (role and units) is computed once for each adapter and prompt. Then a batch takes one
forward over all its tickets, and a few short ones in which the searches of all tickets read label
tokens together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from classifier.attention import KeyValueStore, Pack, Segment
from classifier.backbone import Backbone
from classifier.lora import Adapter
from classifier.prompt import Prompt
from classifier.search import Search
from classifier.trie import Node

# Nodes a search reads in one step: the second and third best are often needed too, and a step
# costs more than a token.
WIDTH = 4
# Rows of (positions, vocabulary) logits made at a time: 256 of 152,064 take 160 MB in float32.
_LOGIT_ROWS = 256


@dataclass(slots=True)
class Counts:
    """What the engine did, for benchmarks."""

    tickets: int = 0
    ticket_tokens: int = 0
    label_nodes: int = 0
    label_tokens: int = 0
    steps: int = 0


class Engine:
    """Scores labels of tickets with one adapter and one prompt.

    Args:
        backbone: the loaded base.
        adapter: its adapter; None for the base alone.
        prompt: of the units that can be answered.
        token_budget: ticket tokens of one forward.
    """

    def __init__(
        self,
        backbone: Backbone,
        adapter: Adapter | None,
        prompt: Prompt,
        token_budget: int = 16_384,
    ) -> None:
        self.backbone = backbone
        self.adapter = adapter or Adapter({})
        self.prompt = prompt
        self.token_budget = token_budget
        self.counts = Counts()
        self._activate()
        self._prefix = backbone.new_store(len(prompt.prefix))
        self._read(self._prefix, [Segment(prompt.prefix, ())])

    def search(
        self,
        texts: Sequence[str],
        roots: Sequence[Node],
        top_k: Sequence[int],
        temperature: float = 1.0,
    ) -> list[Search]:
        """Return each ticket's finished search.

        Args:
            texts: n tickets, masked.
            roots: the trie of each ticket's allowed units.
            top_k: units to rank exactly, of each.
            temperature: see ``Search``.
        """
        self._activate()
        searches = [Search(root, k, temperature) for root, k in zip(roots, top_k, strict=True)]
        tickets = self.prompt.tickets(texts)
        for chunk in self._chunks(tickets):
            self._run([tickets[i] for i in chunk], [searches[i] for i in chunk])
        return searches

    def _activate(self) -> None:
        self.adapter.activate(self.backbone.model)

    def _chunks(self, tickets: Sequence[Sequence[int]]) -> list[list[int]]:
        """Divide tickets, by number, into batches within the budget: like lengths together."""
        suffix = len(self.prompt.suffix)
        chunks: list[list[int]] = []
        room = 0
        for number in sorted(range(len(tickets)), key=lambda i: len(tickets[i])):
            length = len(tickets[number]) + suffix
            if length > room:
                chunks.append([])
                room = max(self.token_budget, length)
            chunks[-1].append(number)
            room -= length
        return chunks

    def _run(self, tickets: Sequence[Sequence[int]], searches: Sequence[Search]) -> None:
        """Read a batch of tickets, then what their searches ask for until all are certain."""
        prompt = self.prompt
        total = sum(map(len, tickets)) + len(tickets) * len(prompt.suffix)
        store = self.backbone.new_store(self._prefix.used + 2 * total)
        prefix = store.adopt(self._prefix)
        segments = [Segment([*ids, *prompt.suffix], (prefix,)) for ids in tickets]
        ends = self._read(store, segments)[[at - 1 for at in _stops(segments)]]
        self.counts.tickets += len(tickets)
        self.counts.ticket_tokens += total
        firsts = [[child.tokens[0] for child in search.root.children] for search in searches]
        for search, after in zip(searches, self._look_up(ends, firsts), strict=True):
            search.start(after)
        readings = [_Reading(*pair) for pair in zip(searches, segments, strict=True)]
        while readings := [reading for reading in readings if reading.plan()]:
            self._step(store, readings)

    def _step(self, store: KeyValueStore, readings: Sequence["_Reading"]) -> None:
        """Read the label nodes that the searches ask for, in one forward."""
        segments = [segment for reading in readings for segment in reading.segments]
        hidden = self._read(store, segments)
        asked = [tokens for reading in readings for tokens in reading.asked()]
        found = self._look_up(hidden, asked)
        self.counts.label_nodes += len(segments)
        self.counts.label_tokens += len(hidden)
        self.counts.steps += 1
        at = 0
        for reading in readings:
            stop = at + sum(len(segment.tokens) for segment in reading.segments)
            reading.feed(found[at:stop])
            at = stop

    def _read(self, store: KeyValueStore, segments: Sequence[Segment]) -> torch.Tensor:
        """Return (tokens, hidden) of the segments one after the other; their rows are stored."""
        return self.backbone.read(Pack(store, segments, self.backbone.device))

    def _look_up(
        self, hidden: torch.Tensor, asked: Sequence[Sequence[int]]
    ) -> list[dict[int, float]]:
        """Return for each of n positions the log-probabilities of the tokens asked for there."""
        found: list[dict[int, float]] = []
        for start in range(0, len(asked), _LOGIT_ROWS):
            some = asked[start : start + _LOGIT_ROWS]
            log_probs = self.backbone.log_probs(hidden[start : start + _LOGIT_ROWS])
            rows = [row for row, tokens in enumerate(some) for _ in tokens]
            flat = [token for tokens in some for token in tokens]
            values = iter(log_probs[rows, flat].tolist())
            found += [{token: next(values) for token in tokens} for tokens in some]
        return found


class _Reading:
    """One ticket's search while it runs: which nodes it reads, and where their rows went."""

    def __init__(self, search: Search, ticket: Segment) -> None:
        self.search = search
        self._ticket = ticket
        self._read: dict[Node, Segment] = {}
        self._nodes: list[Node] = []
        self.segments: list[Segment] = []

    def plan(self) -> bool:
        """Choose the nodes to read next; return whether there are any."""
        wanted = self.search.wanted(WIDTH)
        self._nodes = [node for node, _ in wanted]
        self.segments = [
            Segment(_to_read(node), (self._read[above[-1]] if above else self._ticket).path)
            for node, above in wanted
        ]
        return bool(wanted)

    def asked(self) -> list[list[int]]:
        """Return for each token that is read which tokens may follow it."""
        return [tokens for node in self._nodes for tokens in _followers(node)]

    def feed(self, found: Sequence[Mapping[int, float]]) -> None:
        """Hand the search what the model said of the nodes."""
        at = 0
        for node, segment in zip(self._nodes, self.segments, strict=True):
            self._read[node] = segment
            said = found[at : at + len(segment.tokens)]
            at += len(segment.tokens)
            inside = [said[i][token] for i, token in enumerate(node.tokens[1:])]
            self.search.feed(node, inside, said[-1] if node.unit is None else None)


def _to_read(node: Node) -> tuple[int, ...]:
    """The tokens of a node whose followers are asked for: all but a leaf's last."""
    return node.tokens if node.unit is None else node.tokens[:-1]


def _followers(node: Node) -> list[list[int]]:
    """Which tokens are asked for after each token that is read."""
    inside = [[token] for token in node.tokens[1:]]
    return inside if node.unit is not None else [*inside, [c.tokens[0] for c in node.children]]


def _stops(segments: Sequence[Segment]) -> list[int]:
    """Where each segment ends among the tokens of a forward."""
    stops, at = [], 0
    for segment in segments:
        at += len(segment.tokens)
        stops.append(at)
    return stops
