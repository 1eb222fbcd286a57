"""The decision rule: names become units, merged ones are summed, what is doubtful is held back."""

import math
from typing import Any

import pytest

from classifier.calibration import HOLD_ALL
from classifier.decision_rule import DecisionRule
from classifier.labels.search import Search
from classifier.labels.trie import LabelTrie
from tests.support.versions import CALIBRATION

LABELS = {"A": [1], "B": [2], "C": [3]}
END = 0
ALL = frozenset("ABC")


def rule(mapping: dict[str, str] | None = None, **calibration: Any) -> DecisionRule:
    values = {"temperature": 1.0, "threshold": 0.5} | calibration
    return DecisionRule("v", LabelTrie(LABELS, END), CALIBRATION.model_copy(update=values), mapping)


def searched(rule: DecisionRule, allowed: frozenset[str], top_k: int, *shares: float) -> Search:
    """The search of a ticket whose names A, B and C have these probabilities."""
    learned = rule.learned(allowed)
    search = Search(rule.root(learned), rule.names_to_rank(learned, top_k), rule.temperature)
    search.start({token: math.log(share) for token, share in enumerate(shares, 1)})
    return search


def test_the_most_probable_unit_is_the_answer_among_the_allowed_ones() -> None:
    plain = rule()

    decision = plain.decide(searched(plain, ALL, 2, 0.6, 0.1, 0.3), ALL, 2)
    assert decision.top_k == (("A", 0.6), ("C", 0.3))
    assert (decision.unit, decision.probability, decision.held_back) == ("A", 0.6, None)

    others = frozenset("BC")
    assert plain.decide(searched(plain, others, 2, 0.6, 0.1, 0.3), others, 2).top_k == (
        ("C", 0.75),
        ("B", 0.25),
    )


def test_an_answer_under_the_threshold_is_doubtful() -> None:
    strict = rule(threshold=0.600001)

    assert strict.decide(searched(strict, ALL, 1, 0.6, 0.1, 0.3), ALL, 1).held_back == "doubtful"


def test_names_of_units_that_map_to_one_are_all_ranked_and_summed() -> None:
    merged = rule({"B": "D", "C": "D"})
    allowed = frozenset("AD")

    decision = merged.decide(searched(merged, allowed, 1, 0.4, 0.3, 0.3), allowed, 1)

    assert merged.units == frozenset("AD")
    assert merged.names_to_rank(merged.learned(allowed), 1) is None
    assert (decision.unit, decision.probability) == ("D", 0.6)
    assert merged.learned(ALL) == frozenset("A")  # B and C are codes of no active unit


def test_equal_probabilities_go_by_the_code_that_stands_now() -> None:
    renamed = rule({"A": "Z"})
    allowed = frozenset("BCZ")

    decision = renamed.decide(searched(renamed, allowed, 3, 0.4, 0.4, 0.2), allowed, 3)

    assert [code for code, _ in decision.top_k] == ["B", "Z", "C"]


def test_without_a_search_the_answer_is_held_back_as_unlearned() -> None:
    assert rule().decide(None, frozenset("XY"), 5).held_back == "unlearned"


@pytest.mark.parametrize(("threshold", "holds"), [(0.0, False), (1.0, False), (HOLD_ALL, True)])
def test_only_a_threshold_beyond_all_probabilities_holds_all(threshold: float, holds: bool) -> None:
    assert rule(threshold=threshold).holds_all is holds
