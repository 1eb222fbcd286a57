"""What holds for every classifier: requests are checked, and batches come back whole."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from classifier.interface import (
    Batch,
    Decision,
    classify_batches,
    rows_by_allowed,
    unlearned,
)
from core.errors import TaxonomyError

AB, C = frozenset("AB"), frozenset("C")


class OneByOne:
    """Answers a batch at a time, with the first allowed unit; tells what it was asked."""

    version, kind, units, token_budget = "v", "toy", AB, 1

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        self.asked.append(texts)
        return [Decision(min(units), 1.0, ((min(units), 1.0),), None, "v") for units in allowed]


class Reversed(OneByOne):
    """Answers the last batch first."""

    def classify_batches(
        self, batches: Iterable[Batch], top_k: int = 5
    ) -> Iterator[tuple[Batch, list[Decision]]]:
        for batch in reversed(list(batches)):
            yield batch, self.classify(batch.texts, batch.allowed, top_k)


class Wrapped:
    """Passes all on to another classifier, as a worker's recorder does."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


BATCHES = [Batch(["x", "y"], [AB, C], "1"), Batch(["z"], [AB], "2")]


def test_a_classifier_without_batches_answers_them_one_by_one_as_they_come() -> None:
    classifier = OneByOne()
    answers = classify_batches(classifier, iter(BATCHES), 1)

    first, decisions = next(answers)

    assert (first.token, [decision.unit for decision in decisions]) == ("1", ["A", "C"])
    assert classifier.asked == [["x", "y"]]  # the second batch is not asked for before
    assert [batch.token for batch, _ in answers] == ["2"]


@pytest.mark.parametrize("classifier", [Reversed(), Wrapped(Reversed())])
def test_a_continuous_classifier_gets_all_batches_even_through_another_object(
    classifier: Any,
) -> None:
    assert [batch.token for batch, _ in classify_batches(classifier, BATCHES, 1)] == ["2", "1"]


def test_somebody_waits_only_for_the_texts_that_say_so() -> None:
    assert not Batch(["x"], [AB]).is_live(0)
    assert [Batch(["x", "y"], [AB, AB], live=[False, True]).is_live(row) for row in (0, 1)] == [
        False,
        True,
    ]


def test_rows_are_grouped_by_their_allowed_units() -> None:
    assert rows_by_allowed(["x", "y", "z"], [AB, C, AB], 1) == {AB: [0, 2], C: [1]}
    assert rows_by_allowed([], [], 1) == {}


def test_requests_without_sense_are_refused() -> None:
    with pytest.raises(TaxonomyError, match="text 1 has no allowed unit"):
        rows_by_allowed(["x", "y"], [AB, frozenset()], 1)
    with pytest.raises(ValueError, match="2 texts but 1"):
        rows_by_allowed(["x", "y"], [AB], 1)
    with pytest.raises(ValueError, match="top_k must be at least 1, not 0"):
        rows_by_allowed(["x"], [AB], 0)


def test_where_nothing_was_learned_all_units_are_alike() -> None:
    decision = unlearned(frozenset("CAB"), 2, "v")

    assert decision == Decision("A", 0.333333, (("A", 0.333333), ("B", 0.333333)), "unlearned", "v")
