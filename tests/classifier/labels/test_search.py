"""The exact search, against brute force over all labels."""

import math
import random

import pytest

from classifier.labels.search import OPEN_MASS, TIE, Search, log_sum, rank
from classifier.labels.trie import LabelTrie, Node

END = 0


class ToyModel:
    """A language model over a few tokens: logits drawn anew, and for good, for each context.

    With ``levels`` the logits are small whole numbers, so that many names tie exactly.
    """

    def __init__(self, seed: int, vocabulary: int, spread: float, levels: int | None) -> None:
        self.seed, self.vocabulary, self.spread, self.levels = seed, vocabulary, spread, levels

    def log_probs(self, context: tuple[int, ...]) -> dict[int, float]:
        draw = random.Random(f"{self.seed}:{context}")
        if self.levels:
            logits = [float(draw.randrange(self.levels)) for _ in range(self.vocabulary)]
        else:
            logits = [draw.gauss(0, self.spread) for _ in range(self.vocabulary)]
        total = log_sum(logits)
        return {token: logit - total for token, logit in enumerate(logits)}

    def score(self, path: tuple[int, ...]) -> float:
        """Read a whole name, token by token."""
        return math.fsum(self.log_probs(path[:place])[token] for place, token in enumerate(path))


def search(
    model: ToyModel, root: Node, top_k: int | None, width: int, temperature: float = 1.0
) -> Search:
    """Run a search as an engine would, each node read after those above it."""
    running = Search(root, top_k, temperature)
    running.start(model.log_probs(()))
    while wanted := running.wanted(width):
        for node, above in wanted:
            before = tuple(token for upper in above for token in upper.tokens)
            inside = [
                model.log_probs(before + node.tokens[:place])[node.tokens[place]]
                for place in range(1, len(node.tokens))
            ]
            after = model.log_probs(before + node.tokens) if node.unit is None else None
            running.feed(node, inside, after)
    return running


def random_labels(draw: random.Random, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Distinct names; about a third go on from another name or a part of it."""
    names: set[tuple[int, ...]] = set()
    for _ in range(draw.randrange(1, 40)):
        stem: tuple[int, ...] = ()
        if names and draw.random() < 0.35:
            stem = draw.choice(sorted(names))
            stem = stem[: draw.randrange(1, len(stem) + 1)]
        more = tuple(draw.randrange(1, vocabulary) for _ in range(draw.randrange(1, 5)))
        names.add(stem + more)
    codes = [f"U{number:02}" for number in range(len(names))]
    draw.shuffle(codes)
    return dict(zip(codes, sorted(names), strict=True))


@pytest.mark.parametrize("block", range(8))
def test_search_equals_brute_force_over_all_labels(block: int) -> None:
    """1,600 random models, tries, allowed sets and temperatures; every second full of ties."""
    for case in range(200):
        draw = random.Random(block * 1000 + case)
        vocabulary = draw.randrange(2, 9)
        levels = draw.choice((1, 2, 3)) if case % 2 else None
        model = ToyModel(draw.randrange(10**9), vocabulary, draw.choice((0.1, 1, 5)), levels)
        labels = random_labels(draw, vocabulary)
        allowed = frozenset(draw.sample(sorted(labels), draw.randrange(1, len(labels) + 1)))
        top_k = draw.choice((1, 2, 3, 4, 5, 6, None))
        trie = LabelTrie(labels, END)

        temperature = draw.choice((0.3, 1.0, 1.0, 3.0))
        width = draw.randrange(1, 5)
        found = search(model, trie.restricted(allowed), top_k, width, temperature).ranking()

        scores = {code: model.score(trie.path(code)) for code in allowed}
        total = log_sum(score / temperature for score in scores.values())
        ranked = rank(scores)[:top_k]
        expected = [(code, math.exp(score / temperature - total)) for code, score in ranked]
        missing = expected[len(found) :]
        assert found
        assert [code for code, _ in found] == [code for code, _ in expected[: len(found)]]
        assert all(probability < OPEN_MASS for _, probability in missing)
        assert not missing or top_k is not None
        for (_, probability), (_, exact) in zip(found, expected, strict=False):
            assert exact <= probability * (1 + 1e-9)
            assert probability <= exact * (1 + OPEN_MASS) * (1 + 1e-9)


def test_search_reads_less_than_all_where_the_model_is_sure() -> None:
    draw = random.Random(1)
    labels = random_labels(draw, 8)
    model = ToyModel(seed=1, vocabulary=8, spread=8, levels=None)
    trie = LabelTrie(labels, END)
    nodes = count_nodes(trie.restricted(frozenset(labels)))

    done = search(model, trie.restricted(frozenset(labels)), top_k=5, width=1)

    assert 0 < done.read < nodes / 2
    assert 0 < len(done.ranking()) < 5


def count_nodes(node: Node) -> int:
    return len(node.children) + sum(count_nodes(child) for child in node.children)


def test_ties_go_by_unit_code() -> None:
    scores = {"C": -1.0, "A": -1.0 - TIE / 2, "B": -1.0 - 2 * TIE, "D": -0.5}

    assert [code for code, _ in rank(scores)] == ["D", "A", "C", "B"]


def test_all_that_must_be_read_in_any_case_is_wanted_at_once() -> None:
    # Given 40 names of two tokens, one with nearly all of the probability
    labels = {f"U{number:02}": (number + 1, 50) for number in range(40)}
    root = LabelTrie(labels, END).restricted(frozenset(labels))
    running = Search(root, top_k=5)
    running.start({number + 1: math.log(2e-5) for number in range(40)} | {1: math.log(0.999)})

    # When asked for as little as possible
    wanted = [node.unit for node, _ in running.wanted()]

    # Then it is as many as leave less than is allowed, the heaviest first, and they are enough
    assert wanted[0] == "U00"
    assert len(wanted) == 40 - 4
    for node, _ in running.wanted():
        running.feed(node, [0.0])
    assert running.wanted() == []
