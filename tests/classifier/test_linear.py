"""The linear model: answers, masks and mappings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.interface import Classifier, Decision
from classifier.linear import LinearClassifier
from core.errors import TaxonomyError
from tests.support.linear import toy_manifest, toy_weights


def toy(mapping: dict[str, str] | None = None) -> LinearClassifier:
    return LinearClassifier(toy_manifest(), toy_weights(), mapping)


def ask(classifier: Classifier, text: str, allowed: str, top_k: int = 5) -> Decision:
    return classifier.classify([text], [frozenset(allowed)], top_k)[0]


def test_probability_is_the_softmax_of_logits_over_temperature() -> None:
    decision = ask(toy(), "x", "ABC")

    expected = np.exp(2) / (np.exp(2) + 2)
    assert decision.unit == "A"
    assert decision.probability == pytest.approx(expected, abs=1e-6)
    assert decision.top_k[0] == ("A", decision.probability)
    assert (decision.held_back, decision.version) == (None, "toy")


def test_a_masked_unit_is_never_answered_and_the_rest_is_normalised() -> None:
    decision = ask(toy(), "x", "BC")

    assert decision.top_k == (("B", 0.5), ("C", 0.5))
    assert decision.held_back == "doubtful"


def test_ties_go_by_unit_code() -> None:
    assert [code for code, _ in ask(toy(), "y", "CAB").top_k] == ["B", "C", "A"]
    assert [code for code, _ in ask(toy(), "y", "CAB", top_k=1).top_k] == ["B"]


def test_where_nothing_learned_is_allowed_the_answer_is_held_back_as_unlearned() -> None:
    decision = ask(toy(), "x", "ZYX", top_k=2)

    assert (decision.unit, decision.held_back) == ("X", "unlearned")
    assert decision.probability == pytest.approx(1 / 3, abs=1e-6)
    assert [code for code, _ in decision.top_k] == ["X", "Y"]


def test_each_text_keeps_its_own_allowed_units() -> None:
    decisions = toy().classify(
        ["x", "x", "y", "x"], [frozenset("ABC"), frozenset("BC"), frozenset("ABC"), frozenset("Z")]
    )

    assert [decision.unit for decision in decisions] == ["A", "B", "B", "Z"]


def test_units_mapped_to_one_are_summed() -> None:
    separate = dict(ask(toy(), "x", "ABC").top_k)

    merged = ask(toy({"B": "N", "C": "N"}), "x", "AN")

    assert dict(merged.top_k)["N"] == pytest.approx(separate["B"] + separate["C"], abs=2e-6)
    assert merged.probability == pytest.approx(separate["A"], abs=2e-6)


def test_a_merged_unit_joins_a_learned_one_and_the_old_code_is_gone() -> None:
    classifier = toy({"C": "A"})

    assert classifier.units == frozenset("AB")
    assert [code for code, _ in ask(classifier, "y", "ABC").top_k] == ["A", "B"]
    assert ask(classifier, "x", "C").held_back == "unlearned"


def test_requests_without_sense_are_refused() -> None:
    with pytest.raises(TaxonomyError, match="no allowed unit"):
        toy().classify(["x", "y"], [frozenset("A"), frozenset()])
    with pytest.raises(ValueError, match="2 texts but 1"):
        toy().classify(["x", "y"], [frozenset("A")])
    with pytest.raises(ValueError, match="top_k"):
        toy().classify(["x"], [frozenset("A")], top_k=0)
    assert toy().classify([], []) == []


@given(
    texts=st.lists(st.text(max_size=20), min_size=1, max_size=5),
    allowed=st.frozensets(st.sampled_from("ABCXYZ"), min_size=1),
    mapping=st.dictionaries(st.sampled_from("ABC"), st.sampled_from("ABX")),
    top_k=st.integers(1, 4),
)
def test_any_answer_is_allowed_ranked_and_normalised(
    texts: list[str], allowed: frozenset[str], mapping: dict[str, str], top_k: int
) -> None:
    classifier = toy(mapping)

    for decision in classifier.classify(texts, [allowed] * len(texts), top_k):
        codes = [code for code, _ in decision.top_k]
        values = [probability for _, probability in decision.top_k]
        assert (decision.unit, decision.probability) == decision.top_k[0]
        assert set(codes) <= allowed
        assert len(codes) == len(set(codes)) <= top_k
        assert decision.top_k == tuple(sorted(decision.top_k, key=lambda top: (-top[1], top[0])))
        assert sum(values) <= 1 + 1e-5
        if len(codes) < top_k:
            assert sum(values) == pytest.approx(1, abs=1e-5)
