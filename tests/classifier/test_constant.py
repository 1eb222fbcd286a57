"""The constant model: always the most frequent allowed unit, with its share."""

import json
from pathlib import Path

import pytest

from classifier.constant import PRIOR, ConstantClassifier, save_prior
from classifier.interface import Decision
from core.errors import ModelVersionError
from registry.writer import write_version
from tests.support.versions import NAME, a_manifest

COUNTS = {"A": 3, "B": 6}


def ask(classifier: ConstantClassifier, allowed: str, top_k: int = 5) -> Decision:
    [decision] = classifier.classify(["路灯坏了"], [frozenset(allowed)], top_k)
    return decision


@pytest.fixture
def classifier() -> ConstantClassifier:
    return ConstantClassifier(a_manifest(), COUNTS)


def test_the_most_frequent_unit_answers_with_its_share(classifier: ConstantClassifier) -> None:
    decision = ask(classifier, "ABX")

    assert (decision.unit, decision.version) == ("B", NAME)
    assert decision.top_k == (("B", 0.666667), ("A", 0.333333))
    assert decision.held_back == "doubtful"
    assert ask(classifier, "ABX", top_k=1).top_k == (("B", 0.666667),)


def test_shares_are_those_among_the_allowed_units(classifier: ConstantClassifier) -> None:
    decision = ask(classifier, "AX")

    assert (decision.unit, decision.probability, decision.held_back) == ("A", 1.0, None)


def test_where_nothing_learned_is_allowed_the_answer_is_held_back(
    classifier: ConstantClassifier,
) -> None:
    assert ask(classifier, "YX").held_back == "unlearned"


def test_counts_of_units_that_map_to_one_are_summed_and_ties_go_by_code() -> None:
    merged = ConstantClassifier(a_manifest(), {"A": 3, "B": 6, "C": 3}, {"A": "C"})

    assert merged.units == frozenset("BC")
    assert ask(merged, "BC").top_k == (("B", 0.5), ("C", 0.5))


def test_what_is_saved_is_loaded(tmp_path: Path, classifier: ConstantClassifier) -> None:
    write_version(tmp_path / NAME, a_manifest(), lambda folder: save_prior(folder, COUNTS))

    loaded = ConstantClassifier.load(tmp_path / NAME)

    assert ask(loaded, "ABX") == ask(classifier, "ABX")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not JSON"),
        ("[]", "not the manifest's"),
        (json.dumps({"A": 3}), "not the manifest's"),
        (json.dumps({"A": 3, "B": 0}), "not a positive whole number"),
        (json.dumps({"A": 3, "B": 1.5}), "not a positive whole number"),
        (json.dumps({"A": 3, "B": True}), "not a positive whole number"),
    ],
)
def test_counts_that_do_not_fit_are_refused(tmp_path: Path, content: str, told: str) -> None:
    write_version(
        tmp_path / NAME, a_manifest(), lambda folder: (folder / PRIOR).write_text(content)
    )

    with pytest.raises(ModelVersionError, match=rf"{PRIOR}: .*{told}"):
        ConstantClassifier.load(tmp_path / NAME)
