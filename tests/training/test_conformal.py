"""Conformal sets: they hold the right unit as often as they say, and are MAPIE's."""

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from classifier.calibration import softmax
from classifier.interface import PROBABILITY_DECIMALS
from training.conformal import LEVELS, conformal_sets, floor_of

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class Scored(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """For MAPIE: a model whose inputs are its probabilities."""

    def __init__(self, units: int = 0) -> None:
        self.units = units
        self.classes_ = np.arange(units)
        self.is_fitted_ = True

    def predict_proba(self, probabilities: Floats) -> Floats:
        return probabilities

    def predict(self, probabilities: Floats) -> Labels:
        return np.asarray(probabilities.argmax(axis=1))


def answers(count: int, units: int, seed: int = 0) -> tuple[Floats, Labels]:
    """Probabilities and right units; some units are harder than others."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, units, count)
    logits = random.normal(size=(count, units))
    logits[np.arange(count), labels] += 3.0 - 2.5 * labels / units
    return softmax(logits).round(PROBABILITY_DECIMALS), labels


def right(probabilities: Floats, labels: Labels) -> Floats:
    return probabilities[np.arange(len(labels)), labels]


@pytest.mark.parametrize("count", [20, 57, 200, 399])
def test_sets_with_one_floor_are_those_of_mapie(count: int) -> None:
    held, labels = answers(count, 5)
    asked, _ = answers(300, 5, seed=1)
    mapie = SplitConformalClassifier(
        Scored(5), confidence_level=list(LEVELS), conformity_score="lac", prefit=True
    )

    mapie.conformalize(held / held.sum(axis=1, keepdims=True), labels)
    _, expected = mapie.predict_set(asked / asked.sum(axis=1, keepdims=True))

    for number, level in enumerate(LEVELS):
        floor = floor_of(right(held, labels), level)
        np.testing.assert_array_equal(asked >= floor, expected[:, :, number])


def test_each_unit_with_enough_answers_holds_its_own_share() -> None:
    held, labels = answers(8_000, 8)
    asked, truth = answers(8_000, 8, seed=1)

    [one] = conformal_sets(right(held, labels), labels, list("ABCDEFGH"), levels=[0.9])

    floors = np.array([one.floors[code] for code in "ABCDEFGH"])
    inside = right(asked, truth) >= floors[truth]
    by_unit = [inside[truth == unit].mean() for unit in range(8)]
    assert min(by_unit) > 0.87
    assert max(by_unit) < 0.93
    # One floor for all would hold the easy ones too often and the hard ones too seldom.
    shared = right(asked, truth) >= floor_of(right(held, labels), 0.9)
    assert shared[truth == 7].mean() < 0.85 < 0.95 < shared[truth == 0].mean()


def test_units_with_few_answers_share_a_floor_set_by_their_own_answers() -> None:
    # Given one unit of many sure answers and twelve of five doubtful ones
    labels = np.array([0] * 99 + [unit for unit in range(1, 13) for _ in range(5)])
    sure, doubtful = np.linspace(0.8, 0.999, 99), np.linspace(0.1, 0.69, 60)

    [one] = conformal_sets(
        np.concatenate([sure, doubtful]), labels, [str(n) for n in range(13)], levels=[0.9]
    )

    assert one.floors == {"0": sure[9]}
    assert one.floor == doubtful[5]  # the sixth of 60 by (60 + 1) x 0.1


def test_the_others_take_the_floor_of_all_where_their_own_answers_do_not_suffice() -> None:
    labels = np.array([0] * 99 + [1] * 3)
    chances = np.concatenate([np.linspace(0.5, 0.99, 99), [0.1, 0.2, 0.3]])

    [one] = conformal_sets(chances, labels, ["A", "B"], levels=[0.9])

    assert set(one.floors) == {"A"}
    assert one.floor == np.sort(chances)[9]


@pytest.mark.parametrize(("count", "levels"), [(8, []), (9, [0.9]), (18, [0.9]), (19, [0.9, 0.95])])
def test_a_level_for_which_answers_are_too_few_has_no_set(count: int, levels: list[float]) -> None:
    found = conformal_sets(np.linspace(0.1, 0.9, count), np.zeros(count, dtype=np.int64), ["A"])

    assert [one.level for one in found] == levels


def test_a_floor_that_gives_away_a_percent_or_more_is_not_set() -> None:
    # 28 answers would make it 1 - 2 / 29 = 0.931; 29 make it 1 - 3 / 30 = 0.9
    few, enough = (np.array([0] * 200 + [1] * count) for count in (28, 29))
    chances = np.linspace(0.3, 0.9, 229)

    [without] = conformal_sets(chances[:228], few, ["A", "B"], levels=[0.9])
    [with_own] = conformal_sets(chances, enough, ["A", "B"], levels=[0.9])

    assert set(without.floors) == {"A"}
    assert set(with_own.floors) == {"A", "B"}
