"""Candidates are compared by what they held out; the hopeless stop early."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from training.linear.comparison import Standing, choose, drawn_scores, race, standings
from training.linear.folds import TRAIN_ONLY

LABELS = np.arange(120) % 3
FOLDS = np.arange(120) % 2
ALIKE = {"a": Standing(0.9, 0.0, 0.01), "b": Standing(0.9, 0.0, 0.01)}


def logits_of(answers: NDArray[np.int64], margin: float = 2.0) -> NDArray[np.float32]:
    return (margin * np.eye(3)[answers]).astype(np.float32)


def with_errors(share: float) -> NDArray[np.int64]:
    wrong = np.random.default_rng(1).random(len(LABELS)) < share
    return np.where(wrong, (LABELS + 1) % 3, LABELS)


def test_scores_are_scikit_learns() -> None:
    answers = with_errors(0.3)
    answers[answers == 2] = 1

    accuracy, macro_f1 = drawn_scores(answers, LABELS, 4, np.ones((1, 120)))

    assert accuracy[0] == pytest.approx((answers == LABELS).mean())
    assert macro_f1[0] == pytest.approx(f1_score(LABELS, answers, average="macro", zero_division=0))


def test_a_draw_weighs_samples() -> None:
    answers = with_errors(0.3)
    weights = np.stack([answers == LABELS, answers != LABELS]).astype(np.float64)

    accuracy, macro_f1 = drawn_scores(answers, LABELS, 3, weights)

    assert (accuracy.tolist(), macro_f1.tolist()) == ([1, 0], [1, 0])


def test_the_best_stands_before_the_others_by_more_than_noise() -> None:
    answers = {"good": logits_of(LABELS), "bad": logits_of(with_errors(0.4))}

    places = standings(answers, LABELS, seed=1)

    assert (places["good"].score, places["good"].behind) == (1.0, 0.0)
    assert places["bad"].behind > 2 * places["bad"].error > 0
    assert choose(answers, LABELS, places) == "good"


def test_within_noise_the_better_probabilities_win() -> None:
    # given answers of the same units, one of which says with its margin where it is wrong
    answers = with_errors(0.2)
    margins = np.where(answers == LABELS, 4.0, 0.1)[:, None]
    knowing = (margins * np.eye(3)[answers]).astype(np.float32)

    assert choose({"a": logits_of(answers), "b": knowing}, LABELS, ALIKE) == "b"


def test_of_those_alike_in_both_the_first_wins() -> None:
    answers = with_errors(0.2)
    turned = np.roll(answers.reshape(-1, 3), 1, axis=0).ravel()  # errs as often, elsewhere
    found = {"a": logits_of(answers), "b": logits_of(turned)}

    assert choose(found, LABELS, ALIKE) == "a"
    assert choose(found, LABELS, dict(reversed(ALIKE.items()))) == "b"


def test_who_is_behind_by_more_than_noise_is_not_chosen_for_its_probabilities() -> None:
    found = {"a": logits_of(LABELS), "b": logits_of(with_errors(0.2))}
    places = {"a": Standing(0.8, 0.1, 0.05), "b": Standing(0.9, 0.0, 0.0)}

    assert choose(found, LABELS, places) == "b"


def test_the_hopeless_run_in_one_fold_only_and_all_samples_of_the_others_are_answered() -> None:
    asked: list[tuple[list[str], int]] = []
    answers = {"good": LABELS, "alike": with_errors(0.01), "bad": with_errors(0.5)}
    folds = FOLDS.copy()
    folds[:3] = TRAIN_ONLY

    def answer(names: Sequence[str], fold: int) -> list[NDArray[np.float32]]:
        asked.append((list(names), fold))
        return [logits_of(answers[name][folds == fold]) for name in names]

    found = race(list(answers), LABELS, folds, answer, seed=1)

    assert asked == [(["good", "alike", "bad"], 0), (["good", "alike"], 1)]
    assert {name: logits.shape for name, logits in found.items()} == {
        "good": (117, 3),
        "alike": (117, 3),
    }
