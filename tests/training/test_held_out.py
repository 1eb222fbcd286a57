"""Held-out answers set temperature and threshold, and say how good a model is."""

import numpy as np
import pytest

from classifier.calibration import HOLD_ALL, softmax
from training.conformal import conformal_sets
from training.held_out import (
    FIT_SHARE,
    HeldOut,
    calibrate,
    calibration_of,
    measure,
    representatives,
    split_groups,
)
from training.no_unit import NoUnitRule

# Right and sure three times, wrong and unsure once.
LOGITS = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [1.0, 0.0]])
LABELS = np.array([0, 0, 1, 1])


def many(copies: int) -> HeldOut:
    """The four answers, so many times, no two of which are near-duplicates."""
    logits, labels = np.tile(LOGITS, (copies, 1)), np.tile(LABELS, copies)
    return HeldOut(logits, labels, np.arange(len(labels)))


def test_the_threshold_keeps_the_wrong_answers_back() -> None:
    calibration = calibrate(many(100), error_target=0.05)

    assert calibration.coverage == pytest.approx(0.75, abs=0.03)
    assert calibration.error == 0.0
    assert calibration.held_out == 280
    sure, unsure = (1 / (1 + np.exp(-gap / calibration.temperature)) for gap in (4, 1))
    assert unsure < calibration.threshold <= sure
    assert calibration.confidence == 0.9
    assert calibration.error_bound is not None
    assert 0 < calibration.error_bound <= 0.05


def test_temperature_comes_from_one_part_and_the_threshold_from_the_other() -> None:
    # given answers whose fitting part is all wrong
    held_out = many(100)
    fitting, _ = split_groups(held_out.groups, FIT_SHARE, 42)
    labels = held_out.labels.copy()
    labels[fitting] = 1 - held_out.logits[fitting].argmax(axis=1)

    calibration = calibrate(HeldOut(held_out.logits, labels, held_out.groups), 1.0)

    # then no answer is trusted, and the untouched part alone tells the error
    assert calibration.temperature > 10
    assert calibration.error == pytest.approx(0.25, abs=0.03)


def test_tickets_of_no_unit_are_told_by_the_fitting_part_and_bound_nothing() -> None:
    # given sure answers, and unsure ones of which most are wrong
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 2_000)
    logits = random.normal(size=(2_000, 3)) * 0.1
    sure = np.arange(2_000) % 20 > 0
    logits[np.arange(2_000), labels] += np.where(sure, 6.0, 0.0)
    held_out = HeldOut(logits, labels, np.arange(2_000))
    rule = NoUnitRule("probability", 0.06)

    calibration = calibrate(held_out, 1.0, codes=["A", "B", "C"], asked=rule)

    # then the unsure ones are told apart by the fitting part's scores
    assert calibration.no_unit is not None
    fitting, untouched = held_out.split()
    assert calibration.no_unit == rule.find(fitting.logits, calibration.temperature)
    # and no error among them counts
    assert calibration.error == 0.0
    assert calibration.coverage == pytest.approx(0.94, abs=0.02)
    # and sets are those of the untouched part
    chances = softmax(untouched.logits, calibration.temperature).round(6)
    right = chances[np.arange(len(untouched)), untouched.labels]
    assert calibration.sets == conformal_sets(right, untouched.labels, ["A", "B", "C"])
    assert [one.level for one in calibration.sets] == [0.9, 0.95]


def test_near_duplicates_count_once() -> None:
    # given one right answer told a hundred times: that promises nothing
    told_again = HeldOut(
        np.tile([[4.0, 0.0]], (100, 1)), np.zeros(100, dtype=np.int64), np.full(100, 7)
    )

    calibration = calibrate(told_again, error_target=0.05)

    assert (calibration.held_out, calibration.threshold) == (1, HOLD_ALL)
    assert calibration.needed is not None


def test_too_few_held_out_answers_promise_nothing_and_say_how_many_would() -> None:
    few = HeldOut(LOGITS, LABELS, np.arange(4))

    calibration = calibrate(few, error_target=0.05)

    assert (calibration.threshold, calibration.coverage, calibration.error) == (HOLD_ALL, 0.0, None)
    assert (calibration.confidence, calibration.error_bound) == (None, None)
    assert calibration.needed is not None
    assert calibration.needed > 50


def test_without_held_out_answers_all_is_held_back() -> None:
    none = HeldOut(np.empty((0, 2)), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    calibration = calibrate(none, error_target=0.05)

    assert (calibration.temperature, calibration.held_out, calibration.coverage) == (1.0, 0, 0.0)
    assert calibration.threshold == HOLD_ALL
    assert measure(none.logits, none.labels) == {"accuracy": None, "macro_f1": None}


def test_known_probabilities_are_calibrated_as_they_are() -> None:
    probability, correct = np.full(300, 0.9), np.arange(300) % 4 > 0
    routed = np.arange(300) < 200

    calibration = calibration_of(probability, correct, error_target=0.5, routed=routed)

    assert (calibration.threshold, calibration.temperature) == (pytest.approx(0.9, abs=0.01), 1.0)
    assert (calibration.error, calibration.coverage) == (0.25, pytest.approx(2 / 3))
    assert (calibration.error_target, calibration.held_out) == (0.5, 300)


def test_accuracy_and_macro_f1_are_those_of_the_best_answers() -> None:
    measured = measure(LOGITS, LABELS)

    assert measured["accuracy"] == 0.75
    assert measured["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


def test_a_split_parts_no_group_and_is_the_same_each_time() -> None:
    groups = np.random.default_rng(1).integers(0, 400, 1_000)

    first, second = split_groups(groups, 0.3, seed=7)

    assert sorted([*first, *second]) == list(range(1_000))
    assert not set(groups[first]) & set(groups[second])
    assert len(first) == pytest.approx(300, abs=5)
    assert (first == split_groups(groups, 0.3, seed=7)[0]).all()
    assert (first != split_groups(groups, 0.3, seed=8)[0][: len(first)]).any()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_split_of_one_group_or_none_leaves_one_side_empty(share: float) -> None:
    one = split_groups(np.zeros(5, dtype=np.int64), share, seed=1)
    none = split_groups(np.empty(0, dtype=np.int64), share, seed=1)

    assert sorted(map(len, one)) == [0, 5]
    assert list(map(len, none)) == [0, 0]


def test_held_out_answers_are_divided_with_their_labels_and_groups() -> None:
    held_out = HeldOut(LOGITS, LABELS, np.array([5, 5, 6, 7]))

    first, second = held_out.split(0.5, seed=1)

    assert len(first) + len(second) == 4
    for part in (first, second):
        rows = [LOGITS.tolist().index(row) for row in part.logits.tolist()]
        assert LABELS[rows].tolist() == part.labels.tolist()
    assert not set(first.groups) & set(second.groups)


def test_a_group_has_one_representative_and_each_member_may_be_it() -> None:
    groups = np.array([3, 1, 3, 3, 2])

    drawn = {tuple(representatives(groups, seed).tolist()) for seed in range(50)}

    assert drawn == {(0, 1, 4), (1, 2, 4), (1, 3, 4)}
    assert HeldOut(LOGITS, LABELS, np.zeros(4, dtype=np.int64)).representatives().groups == [0]
