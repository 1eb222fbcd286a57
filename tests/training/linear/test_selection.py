"""The setting is chosen on held-out answers."""

import numpy as np

from tests.support.told import Told
from training.linear.regression import Data
from training.linear.selection import (
    FIRST_C,
    NGRAM_RANGES,
    NOTHING_HELD_OUT,
    OTHER_C,
    Setting,
    choose_setting,
    held_out_answers,
)


def themed(count: int) -> Data:
    """Two units told apart by their first characters, which only n-grams of two tell."""
    texts = [("甲乙" if n % 2 else "乙甲") + str(n) for n in range(count)]
    return Data(texts, np.arange(count) % 2, 2)


def test_each_setting_is_tried_and_told_and_one_of_them_chosen() -> None:
    told = Told()

    setting = choose_setting(themed(40), 1, told)

    assert len(told.lines) == len(NGRAM_RANGES) + len(OTHER_C)
    assert all(": accuracy " in line for line in told.lines)
    assert setting.ngram_range in NGRAM_RANGES
    assert setting.c in (FIRST_C, *OTHER_C)


def test_of_settings_alike_the_smaller_vocabulary_and_stronger_regularisation_win() -> None:
    setting = choose_setting(themed(40), 1, Told())

    assert (setting.ngram_range, setting.c) == (NGRAM_RANGES[0], min(OTHER_C))


def test_without_two_samples_of_any_unit_nothing_is_chosen_and_nothing_held_out() -> None:
    data = Data(["水管", "公交"], np.array([0, 1]), 2)
    told = Told()

    setting = choose_setting(data, 1, told)
    held_out = held_out_answers(data, setting, 1)

    assert told.lines == [NOTHING_HELD_OUT]
    assert (setting.ngram_range, setting.c) == (NGRAM_RANGES[0], FIRST_C)
    assert (held_out.logits.shape, len(held_out)) == ((0, 2), 0)


def test_every_sample_is_answered_once_by_a_model_that_has_not_seen_it() -> None:
    data = themed(40)

    held_out = held_out_answers(data, choose_setting(data, 1, Told()), 1)

    assert held_out.logits.shape == (40, 2)
    assert np.bincount(held_out.labels).tolist() == [20, 20]
    assert (held_out.logits.argmax(axis=1) == held_out.labels).all()
    assert len(set(held_out.groups.tolist())) == 40


def test_what_nearly_repeats_a_known_sample_is_not_held_out() -> None:
    # given a unit whose samples are one ticket told three times
    again = ["小区门口的路灯不亮了", "小区门口的路灯不亮了!", "小区门口的路灯不亮了。"]
    some = themed(20)
    data = Data([*some.texts, *again], np.append(some.labels, [2, 2, 2]), 3)

    held_out = held_out_answers(data, Setting((1, 2), FIRST_C), 1)

    assert np.bincount(held_out.labels, minlength=3).tolist() == [10, 10, 0]
