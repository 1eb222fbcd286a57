"""The setting is chosen on held-out answers."""

from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from tests.support.linear import themed
from tests.support.told import Told
from training.linear.data import Data
from training.linear.features import FEATURES, FEW_SAMPLES
from training.linear.learner import Learner
from training.linear.selection import (
    HINGES,
    LOGISTICS,
    NOTHING_HELD_OUT,
    choose_setting,
)


def test_each_round_is_told_and_one_of_what_it_tried_is_chosen() -> None:
    told = Told()

    setting = choose_setting(themed(40), 1, told)

    assert [line.split(": ")[0].split(" of ")[-1] for line in told.lines] == [
        "char 1-2",
        str(HINGES[0]),
        str(LOGISTICS[0]),
        "hinge alone",
    ]
    assert all(" Chosen: " in line for line in told.lines)
    assert setting.features in FEATURES
    assert set(setting.learners) <= {*HINGES, *LOGISTICS}
    assert len(setting.shares) == len(setting.learners)


def test_n_grams_that_tell_the_units_apart_are_chosen() -> None:
    # given units told apart by a word's neighbour, whichever characters the words have
    first, second = "abcdefgh", "stuvwxyz"
    rng = np.random.default_rng(1)
    texts, labels = [], []
    for number in range(120):
        pair = [rng.choice(list(first)) * 2, rng.choice(list(second)) * 2]
        texts.append(" ".join(pair if number % 2 else pair[::-1]))
        labels.append(number % 2)
    data = Data(texts, np.array(labels), 2, np.arange(120))

    setting = choose_setting(data, 1, Told())

    logits = setting.fit(data, 1).logits(["aa ss", "tt bb"])
    assert logits.argmax(axis=1).tolist() == [1, 0]
    assert setting.features != FEATURES[0]


def test_texts_that_lack_some_kinds_are_learned_by_the_others() -> None:
    data = Data(["甲", "乙"] * 20, np.arange(40) % 2, 2, np.arange(40))

    assert choose_setting(data, 1, Told()).features in FEATURES[:2]


def test_texts_that_lack_every_kind_are_refused() -> None:
    rows = np.arange(FEW_SAMPLES)
    data = Data([chr(0x4E00 + row) for row in rows], rows % 2, 2, rows)

    with pytest.raises(InputError, match="too short or too different"):
        choose_setting(data, 1, Told())


def test_without_two_samples_of_any_unit_nothing_is_chosen() -> None:
    data = Data(["水管", "公交"], np.array([0, 1]), 2, np.arange(2))
    told = Told()

    setting = choose_setting(data, 1, told)

    assert told.lines == [NOTHING_HELD_OUT]
    assert (setting.features, setting.learners) == (FEATURES[0], HINGES[:1])


def test_what_features_were_compared_with_is_fitted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits: list[tuple[Learner, bytes]] = []
    fit = Learner.fit

    def counted(self: Learner, matrix: Any, labels: Any, *others: Any) -> Any:
        fits.append((self, matrix.indices.tobytes()))
        return fit(self, matrix, labels, *others)

    monkeypatch.setattr(Learner, "fit", counted)

    choose_setting(themed(40), 1, Told())

    assert HINGES[0] in [learner for learner, _ in fits]
    assert len(set(fits)) == len(fits)
