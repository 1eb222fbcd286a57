"""The label trie: unit names as token sequences, their shared beginnings told once.

Names are tokenised alone. A name's score is the sum of its tokens' log-probabilities. The end token
counts only in a name that begins another one: only there does it decide anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from core.errors import TaxonomyError


@dataclass(eq=False, slots=True)
class Node:
    """A place in the trie where names part or end, and the chain of tokens that leads to it.

    Attributes:
        tokens: from the parent to here, at least one; the root has none. A chain without a branch
            is one node, so the model reads it in one forward.
        unit: the code of the unit whose name ends here, None at an inner node.
        children: the nodes that may follow.
        leaves: how many names end here or further on.
        first: the number of the node's first token. The tokens of a trie are numbered through,
            parents before children.
        stop: the number after that of the last token below the node.
    """

    tokens: tuple[int, ...]
    unit: str | None = None
    children: list["Node"] = field(default_factory=list)
    leaves: int = 1
    first: int = 0
    stop: int = 0

    def tokens_to_read(self) -> tuple[int, ...]:
        """Return the tokens the model reads of this node: all but a leaf's last.

        The model is asked what follows each token that it reads, and nothing follows a leaf's last.
        """
        return self.tokens if self.unit is None else self.tokens[:-1]

    def followers(self) -> list[list[int]]:
        """Return, for each token to read, the tokens that may follow it."""
        inside = [[token] for token in self.tokens[1:]]
        if self.unit is not None:
            return inside
        return [*inside, [child.tokens[0] for child in self.children]]

    def descendants(self, parent: "Node | None" = None) -> Iterator[tuple["Node", "Node | None"]]:
        """Yield the nodes below this one that have tokens to read, each with its parent.

        Parents come first. The parent of this node's own children is ``parent``: None at the root,
        which has no tokens.
        """
        for child in self.children:
            if child.tokens_to_read():
                yield child, parent
                yield from child.descendants(child)

    def trunk(self) -> Iterator[tuple["Node", "Node | None"]]:
        """Yield the nodes behind which more than half of the root's leaves lie, with their parents.

        The first one's parent is None, as in ``descendants``. A leaf is no part of the trunk.
        """
        parent: Node | None = None
        children = self.children
        while most := next((node for node in children if 2 * node.leaves > self.leaves), None):
            if most.unit is not None:
                return
            yield most, parent
            parent, children = most, most.children


NO_NAMES = Node((), leaves=0)
"""The root of a trie without names: its search is finished as soon as the ticket is read."""


class LabelTrie:
    """Unit names as a trie.

    Args:
        labels: unit code -> the tokens of its name.
        end: the token that ends an answer.

    Raises:
        TaxonomyError: there is no label, a name has no token, or two names have the same ones.
    """

    def __init__(self, labels: Mapping[str, Sequence[int]], end: int) -> None:
        if not labels:
            raise TaxonomyError("there is no active unit: import units with 'paidan units import'")
        self.labels = {code: tuple(tokens) for code, tokens in labels.items()}
        self.end = end
        self._paths = _paths(self.labels, end)
        self.restricted = lru_cache(maxsize=64)(self._restricted)

    def path(self, code: str) -> tuple[int, ...]:
        """Return the tokens whose log-probabilities sum up to a unit's score."""
        return self._paths[code]

    def _restricted(self, allowed: frozenset[str]) -> Node:
        """Return the root of the trie of the allowed units alone.

        Which names need the end token does not depend on ``allowed``: a unit's score is the same
        whatever else is offered.
        """
        unknown = allowed - self._paths.keys()
        if unknown or not allowed:
            named = ", ".join(sorted(unknown)) or "none at all"
            raise TaxonomyError(f"the allowed units are not in the label trie: {named}")
        root = Node((), leaves=len(allowed))
        root.children = _build({code: self._paths[code] for code in sorted(allowed)})
        _number(root, 0)
        return root


def _paths(labels: Mapping[str, tuple[int, ...]], end: int) -> dict[str, tuple[int, ...]]:
    """Return each name's tokens, with the end token where the name begins another one.

    Raises:
        TaxonomyError: see ``LabelTrie``.
    """
    owners: dict[tuple[int, ...], str] = {}
    beginnings: set[tuple[int, ...]] = set()
    for code, tokens in labels.items():
        if not tokens:
            raise TaxonomyError(f"the name of unit {code!r} has no token")
        if end in tokens:
            raise TaxonomyError(f"the name of unit {code!r} holds the model's end token")
        if tokens in owners:
            raise TaxonomyError(
                f"units {owners[tokens]!r} and {code!r} have the same tokens as names, so no model "
                "tells them apart: remove the unused one ('paidan units remove'), or merge it"
            )
        owners[tokens] = code
        beginnings.update(tokens[:length] for length in range(1, len(tokens)))
    return {
        code: (*tokens, end) if tokens in beginnings else tokens for code, tokens in labels.items()
    }


def _build(paths: Mapping[str, tuple[int, ...]]) -> list[Node]:
    """Return a node for each first token of the paths, with the nodes below it."""
    groups: dict[int, dict[str, tuple[int, ...]]] = {}
    for code, path in paths.items():
        groups.setdefault(path[0], {})[code] = path
    nodes = []
    for group in groups.values():
        shared = _common_length(list(group.values()))
        first = next(iter(group.values()))
        rest = {code: path[shared:] for code, path in group.items()}
        if len(rest) == 1:  # a leaf: no path begins another one, as the end token was appended
            nodes.append(Node(first, unit=next(iter(rest))))
        else:
            nodes.append(Node(first[:shared], children=_build(rest), leaves=len(rest)))
    return nodes


def _number(node: Node, place: int) -> None:
    """Set ``first`` and ``stop`` of a node and of all below it."""
    node.first = place
    place += len(node.tokens)
    for child in node.children:
        _number(child, place)
        place = child.stop
    node.stop = place


def _common_length(paths: Sequence[tuple[int, ...]]) -> int:
    """Return how many tokens all paths begin with: as many as the first and the last in order."""
    low, high = min(paths), max(paths)
    length = 0
    while length < len(low) and low[length] == high[length]:
        length += 1
    return length
