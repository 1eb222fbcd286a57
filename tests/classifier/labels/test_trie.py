"""The label trie: its nodes, what is read of them, and which labels it refuses."""

from collections.abc import Mapping

import pytest

from classifier.labels.trie import LabelTrie, Node
from core.errors import TaxonomyError

END = 0
LABELS = {"A": (1, 2, 3), "B": (1, 2, 4, 5), "C": (1, 2, 4, 6, 7), "D": (8,), "E": (9, 9)}


@pytest.fixture
def root() -> Node:
    return LabelTrie(LABELS, END).restricted(frozenset(LABELS))


def tokens_of(nodes: "list[tuple[Node, Node | None]]") -> list[tuple[tuple[int, ...], object]]:
    return [(node.tokens, parent.tokens if parent else None) for node, parent in nodes]


def test_a_chain_without_a_branch_is_one_node() -> None:
    trie = LabelTrie({"A": (1, 2, 3, 4), "B": (1, 2, 5)}, END)

    [shared] = trie.restricted(frozenset("AB")).children
    assert shared.tokens == (1, 2)
    assert {child.tokens: child.unit for child in shared.children} == {(3, 4): "A", (5,): "B"}
    [alone] = trie.restricted(frozenset("A")).children
    assert (alone.tokens, alone.unit) == ((1, 2, 3, 4), "A")


def test_the_end_token_counts_only_where_a_name_begins_another() -> None:
    trie = LabelTrie({"A": (1, 2), "B": (1, 2, 3), "C": (4,)}, END)

    assert [trie.path(code) for code in "ABC"] == [(1, 2, END), (1, 2, 3), (4,)]


def test_a_units_score_does_not_depend_on_what_else_is_allowed() -> None:
    """Where B is not offered, A's name still ends with the end token."""
    trie = LabelTrie({"A": (1, 2), "B": (1, 2, 3), "C": (4,)}, END)

    [alone] = trie.restricted(frozenset("A")).children
    assert alone.tokens == (1, 2, END)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({}, "no active unit"),
        ({"A": ()}, "no token"),
        ({"A": (1,), "B": (1,)}, "the same tokens"),
        ({"A": (1, END)}, "end token"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(
    labels: Mapping[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(TaxonomyError, match=message):
        LabelTrie(labels, END)


@pytest.mark.parametrize("allowed", [frozenset(), frozenset("AX")])
def test_units_outside_the_trie_are_refused(allowed: frozenset[str]) -> None:
    with pytest.raises(TaxonomyError, match="not in the label trie"):
        LabelTrie({"A": (1,)}, END).restricted(allowed)


def test_the_root_of_a_trie_counts_its_names() -> None:
    labels = {"A": (1, 2), "B": (1, 3), "C": (4,)}
    trie = LabelTrie(labels, END)

    assert trie.restricted(frozenset("ABC")).leaves == 3
    assert trie.restricted(frozenset("AB")).leaves == 2


def test_a_leafs_last_token_is_not_read() -> None:
    assert Node((1, 2, 3), unit="A").tokens_to_read() == (1, 2)
    assert Node((1, 2, 3), children=[Node((4,), unit="A")]).tokens_to_read() == (1, 2, 3)
    assert Node((1,), unit="A").tokens_to_read() == ()


def test_each_token_that_is_read_has_its_followers(root: Node) -> None:
    for node, _ in root.descendants():
        assert len(node.followers()) == len(node.tokens_to_read())
    [shared, *_] = root.children
    assert shared.followers() == [[2], [3, 4]]
    assert Node((1, 2, 3), unit="A").followers() == [[2], [3]]


def test_what_is_read_below_a_node_comes_with_its_parent_and_parents_first(root: Node) -> None:
    below = tokens_of(list(root.descendants()))

    # A's and B's rests and D have one token, of which nothing is read.
    assert below == [((1, 2), None), ((4,), (1, 2)), ((6, 7), (4,)), ((9, 9), None)]


def test_the_trunk_is_what_most_names_begin_with(root: Node) -> None:
    assert tokens_of(list(root.trunk())) == [((1, 2), None)]


def test_a_leaf_is_no_part_of_the_trunk() -> None:
    root = LabelTrie({"A": (1, 2, 3)}, END).restricted(frozenset("A"))

    assert list(root.trunk()) == []


def test_the_tokens_of_a_trie_are_numbered_through(root: Node) -> None:
    numbers = [
        (node.first, node.first + len(node.tokens), node.stop) for node, _ in root.descendants()
    ]

    # (1, 2), then A's 3, then (4,) with B's 5 and C's (6, 7), then D's 8, then (9, 9)
    assert numbers == [(0, 2, 7), (3, 4, 7), (5, 7, 7), (8, 10, 10)]
    assert root.stop == sum(len(node.tokens) for node in nodes_of(root)) == 10


def nodes_of(root: Node) -> list[Node]:
    return [node for child in root.children for node in (child, *nodes_of(child))]
