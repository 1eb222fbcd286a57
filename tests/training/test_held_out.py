"""Held-out answers set temperature and threshold, and say how good a model is."""

import numpy as np
import pytest

from training.held_out import (
    HeldOut,
    calibrate,
    calibration_of,
    measure,
    representatives,
    split_groups,
)

# Right and sure three times, wrong and unsure once.
LOGITS = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [1.0, 0.0]])
LABELS = np.array([0, 0, 1, 1])


def test_the_threshold_keeps_the_wrong_answer_back() -> None:
    calibration = calibrate(LOGITS, LABELS, error_target=0.05)

    assert (calibration.coverage, calibration.error, calibration.held_out) == (0.75, 0.0, 4)
    assert calibration.temperature > 0
    sure = 1 / (1 + np.exp(-4 / calibration.temperature))
    assert calibration.threshold == pytest.approx(sure, abs=1e-6)


def test_without_held_out_answers_all_is_held_back() -> None:
    calibration = calibrate(np.empty((0, 2)), np.empty(0, dtype=np.int64), error_target=0.05)

    assert (calibration.temperature, calibration.held_out, calibration.coverage) == (1.0, 0, 0.0)
    assert calibration.threshold > 1
    assert measure(np.empty((0, 2)), np.empty(0, dtype=np.int64)) == {
        "accuracy": None,
        "macro_f1": None,
    }


def test_known_probabilities_are_calibrated_as_they_are() -> None:
    calibration = calibration_of(np.array([0.9, 0.6]), np.array([True, False]), error_target=0.5)

    assert (calibration.threshold, calibration.error, calibration.temperature) == (0.6, 0.5, 1.0)
    assert calibration.error_target == 0.5


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
