"""The counts: tickets once, and the labels of each forward."""

from classifier.engine.counts import Counts
from classifier.engine.request import Question, Request
from classifier.labels.trie import LabelTrie
from classifier.model.segment import Segment


def test_a_forward_counts_its_labels_and_not_its_tickets() -> None:
    # Given a ticket of three tokens and names with a common beginning of two
    root = LabelTrie({"A": (1, 2, 3), "B": (1, 2, 4)}, end=0).restricted(frozenset("AB"))
    request = Request(Question(root, top_k=1), Segment([5, 6, 7], ticket=1))
    request.plan(1)
    request.build_segments()
    counts = Counts()

    # When it joins and is read
    counts.add_tickets([request])
    counts.add_forward([request])

    # Then
    assert counts == Counts(tickets=1, ticket_tokens=3, label_nodes=1, label_tokens=2, forwards=1)
