"""The decision rule: merged units are summed, and what a person shall see is held back."""

from typing import Any

import numpy as np
import pytest

from classifier.calibration import HOLD_ALL
from classifier.decision_rule import UNRANKED, DecisionRule
from classifier.interface import Decision
from classifier.labels.search import OPEN_MASS
from classifier.manifest import ConformalSet, NoUnit
from core.errors import ModelFaultError, ModelVersionError
from tests.support.versions import CALIBRATION

ALL = frozenset("ABC")
STRICT = NoUnit(score="energy", threshold=2.0, review=0.05)


def rule(
    mapping: dict[str, str] | None = None,
    untaught: frozenset[str] = frozenset(),
    **calibration: Any,
) -> DecisionRule:
    values = {"temperature": 1.0, "threshold": 0.5} | calibration
    return DecisionRule("v", "ABC", CALIBRATION.model_copy(update=values), mapping, untaught)


def decide(
    rule: DecisionRule,
    *probabilities: float,
    allowed: frozenset[str] = ALL,
    top_k: int = 5,
    belonging: float | None = None,
) -> Decision:
    """The decision of a ticket whose allowed learned units have these probabilities."""
    scores = None if belonging is None else np.array([belonging])
    columns = rule.columns(allowed)
    [decision] = rule.decide(np.array([probabilities]), columns, allowed, top_k, scores)
    return decision


def test_the_most_probable_unit_is_the_answer() -> None:
    decision = decide(rule(), 0.6, 0.1, 0.3, top_k=2)

    assert decision.top_k == (("A", 0.6), ("C", 0.3))
    assert (decision.unit, decision.probability, decision.held_back) == ("A", 0.6, None)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_no_answer(wrong: float) -> None:
    with pytest.raises(ModelFaultError, match=r"model version v answers with what is no number"):
        decide(rule(threshold=0.0), wrong, 0.5, 0.5)


def test_columns_are_those_of_the_allowed_units_by_the_code_that_stands_now() -> None:
    columns = rule({"A": "Z"}).columns(frozenset("BZ"))

    assert (columns.learned, columns.codes, columns.numbers.tolist()) == (
        ("B", "A"),
        ("B", "Z"),
        [1, 0],
    )
    assert not columns.are_merged


def test_an_answer_under_the_threshold_is_doubtful() -> None:
    assert decide(rule(threshold=0.600001), 0.6, 0.1, 0.3).held_back == "doubtful"
    assert decide(rule(threshold=0.6), 0.6, 0.1, 0.3).held_back is None


def test_units_that_map_to_one_are_summed() -> None:
    merged = rule({"B": "D", "C": "D"})

    decision = decide(merged, 0.4, 0.3, 0.3, allowed=frozenset("AD"), top_k=1)

    assert merged.units == frozenset("AD")
    assert (decision.unit, decision.probability) == ("D", 0.6)
    assert merged.columns(ALL).learned == ("A",)  # B and C are codes of no active unit


def test_equal_probabilities_go_by_the_code_that_stands_now() -> None:
    # Columns stand in the order of B, C, Z
    decision = decide(rule({"A": "Z"}), 0.4, 0.2, 0.4, allowed=frozenset("BCZ"))

    assert [code for code, _ in decision.top_k] == ["B", "Z", "C"]


def test_a_unit_left_unread_is_not_named() -> None:
    assert decide(rule(), 0.99, UNRANKED, 0.01).top_k == (("A", 0.99), ("C", 0.01))


def test_where_nothing_learned_is_allowed_the_answer_is_held_back_as_unlearned() -> None:
    assert decide(rule(), allowed=frozenset("XY")).held_back == "unlearned"


def test_an_answer_that_was_in_no_training_data_is_held_back_however_sure() -> None:
    by_name = rule(untaught=frozenset("B"))

    assert decide(by_name, 0.0, 1.0, 0.0).held_back == "unlearned"
    assert decide(by_name, 1.0, 0.0, 0.0).held_back is None
    # What stands for a unit that was taught was taught, too
    assert decide(rule({"B": "A"}, frozenset("B")), 0.2, 0.8, 0.0).held_back is None


def test_a_ticket_that_belongs_nowhere_is_told_from_a_doubtful_one() -> None:
    asking = rule(no_unit=STRICT)

    assert decide(asking, 1.0, 0.0, 0.0, belonging=1.9).held_back == "no_unit"
    assert decide(asking, 0.4, 0.3, 0.3, belonging=1.9).held_back == "no_unit"
    assert decide(asking, 0.4, 0.3, 0.3, belonging=2.0).held_back == "doubtful"
    assert decide(asking, 1.0, 0.0, 0.0, belonging=2.0).held_back is None


def test_belonging_is_scored_over_all_learned_units_where_the_version_asks() -> None:
    logits = np.array([[1.0, 0.0, 0.0]])

    found = rule(no_unit=STRICT).belonging(logits)

    assert found == pytest.approx([np.log(np.e + 2)])
    assert rule().belonging(logits) is None


def test_a_set_holds_the_units_at_or_above_their_floors() -> None:
    nine = ConformalSet(level=0.9, floor=0.3)
    more = ConformalSet(level=0.95, floor=0.3, floors={"B": 0.1, "A": 0.7})

    decision = decide(rule(sets=(nine, more)), 0.6, 0.1, 0.3)

    assert decision.sets == ((0.9, ("A", "C")), (0.95, ("C", "B")))


def test_an_empty_set_gets_its_best_unit() -> None:
    strict = ConformalSet(level=0.9, floor=0.9)

    assert decide(rule(sets=(strict,)), 0.6, 0.1, 0.3).sets == ((0.9, ("A",)),)


def test_a_unit_left_unread_is_in_a_set_whose_floor_is_as_low_as_it_may_weigh() -> None:
    some = ConformalSet(level=0.9, floor=2 * OPEN_MASS)
    whole = ConformalSet(level=0.95, floor=OPEN_MASS)

    decision = decide(rule(sets=(some, whole)), 0.6, UNRANKED, 0.3999)

    assert decision.sets == ((0.9, ("A", "C")), (0.95, ("A", "C", "B")))


def test_merged_units_have_the_lowest_of_their_floors() -> None:
    sets = (ConformalSet(level=0.9, floor=0.5, floors={"B": 0.2}),)

    decision = decide(rule({"B": "D", "C": "D"}, sets=sets), 0.7, 0.1, 0.2, allowed=frozenset("AD"))

    assert decision.sets == ((0.9, ("A", "D")),)


def test_another_calibration_counts_at_once() -> None:
    one = rule()

    one.recalibrate(CALIBRATION.model_copy(update={"temperature": 3.0, "threshold": 0.9}))

    assert one.temperature == 3.0
    assert decide(one, 0.6, 0.1, 0.3).held_back == "doubtful"

    one.recalibrate(None)

    assert one.calibration == rule().calibration
    assert decide(one, 0.6, 0.1, 0.3).held_back is None


def test_a_score_that_is_not_known_is_refused_and_the_calibration_before_stays() -> None:
    one = rule()

    with pytest.raises(ModelVersionError, match=r"'aura', this Paidan knows probability, logit"):
        one.recalibrate(
            CALIBRATION.model_copy(
                update={"no_unit": NoUnit(score="aura", threshold=0, review=0.05)}
            )
        )
    assert one.calibration.threshold == 0.5


@pytest.mark.parametrize(("threshold", "holds"), [(0.0, False), (1.0, False), (HOLD_ALL, True)])
def test_only_a_threshold_beyond_all_probabilities_holds_all(threshold: float, holds: bool) -> None:
    assert rule(threshold=threshold).holds_all is holds
