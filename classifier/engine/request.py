"""A request: one ticket's search, from its first token to its certain answer."""

from collections.abc import Iterator, Sequence

from classifier.labels.search import Search
from classifier.labels.trie import Node
from classifier.model.segment import LABELS, Segment


class Request:
    """One ticket's search: what was read for it, and what is read next.

    For each forward, ``plan`` or ``plan_all`` chooses the label nodes, ``build_segments`` makes
    their segments, ``asked`` tells what the model is asked, and ``feed`` takes the answers.

    Args:
        search: the search for its units.
        ticket: the segment of the ticket's own tokens.
        is_live: whether it is read before the others.

    Attributes:
        number: of its ticket, under which the cache holds what was read.
        is_new: whether nothing of it was read.
        segments: what the next forward reads.
        has_guesses: whether label nodes are planned that the search may turn out not to need.
    """

    def __init__(self, search: Search, ticket: Segment, *, is_live: bool = False) -> None:
        self.search = search
        self.ticket = ticket
        self.is_live = is_live
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
            yield at - 1, [child.tokens[0] for child in self.search.root.children]
        for node in self._nodes:
            for followers in node.followers():
                yield at, followers
                at += 1

    def feed(self, values: Iterator[float]) -> bool:
        """Take the answers to ``asked``, in order; return whether the search is certain."""
        if self.is_new:
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
