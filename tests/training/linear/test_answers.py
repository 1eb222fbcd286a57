"""Held-out answers come from models that learned neither the sample nor a near-duplicate."""

import numpy as np
import pytest

from tests.support.linear import themed
from training.linear import answers
from training.linear.answers import calibration_folds, held_out_answers
from training.linear.data import Data
from training.linear.features import FEATURES
from training.linear.selection import HINGES
from training.linear.setting import Setting

SETTING = Setting(FEATURES[0], HINGES[:1], (1.0,))


def test_every_sample_is_answered_once_by_a_model_that_has_not_seen_it() -> None:
    held_out = held_out_answers(themed(40), SETTING, 1)

    assert held_out.logits.shape == (40, 2)
    assert np.bincount(held_out.labels).tolist() == [20, 20]
    assert (held_out.logits.argmax(axis=1) == held_out.labels).all()
    assert len(set(held_out.groups.tolist())) == 40


def test_what_nearly_repeats_a_known_sample_is_not_held_out() -> None:
    # given a unit whose samples are one ticket told three times
    some = themed(20)
    texts = [*some.texts, "小区门口的路灯不亮了", "小区门口的路灯不亮了!", "小区门口的路灯不亮了。"]
    groups = np.append(some.groups, [20, 20, 20])
    data = Data(texts, np.append(some.labels, [2, 2, 2]), 3, groups)

    held_out = held_out_answers(data, SETTING, 1)

    assert np.bincount(held_out.labels, minlength=3).tolist() == [10, 10, 0]


def test_enough_answers_need_no_further_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "CALIBRATION_ANSWERS", 20)

    assert 20 <= len(held_out_answers(themed(42), SETTING, 1)) <= 25  # ten folds of four or five


@pytest.mark.parametrize(("samples", "folds"), [(40, 10), (3_000, 10), (5_000, 6), (100_000, 3)])
def test_the_fewer_samples_there_are_the_less_a_fold_leaves_out(samples: int, folds: int) -> None:
    assert calibration_folds(samples) == folds


def test_without_two_samples_of_any_unit_nothing_is_held_out() -> None:
    data = Data(["水管", "公交"], np.array([0, 1]), 2, np.arange(2))

    held_out = held_out_answers(data, SETTING, 1)

    assert (held_out.logits.shape, len(held_out)) == ((0, 2), 0)
