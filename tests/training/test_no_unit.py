"""Tickets of no unit: known ones are held back no more often than asked, strange ones far more."""

import numpy as np
import pytest

from classifier.belonging import BELONGING
from classifier.calibration import Floats
from training.no_unit import SCORES, NoUnitRule


def known(count: int, seed: int = 0) -> Floats:
    """Logits of tickets of learned units."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, 5))
    logits[np.arange(count), random.integers(0, 5, count)] += 4
    return logits


def strange(count: int) -> Floats:
    """Logits of tickets that no unit fits."""
    return np.random.default_rng(9).normal(size=(count, 5)) * 0.3


@pytest.mark.parametrize("score", BELONGING)
@pytest.mark.parametrize("review", [0.02, 0.05])
def test_known_tickets_are_held_back_as_often_as_asked(score: str, review: float) -> None:
    rule, shares = NoUnitRule(score, review), []
    for seed in range(100):
        no_unit = rule.find(known(1_000, seed), 0.7)
        assert no_unit is not None
        shares.append((~rule.belongs(no_unit, known(2_000, 1_000 + seed), 0.7)).mean())

    assert 0.9 * review < np.mean(shares) < 1.1 * review
    assert (~rule.belongs(no_unit, strange(500), 0.7)).mean() > 0.8


def test_of_the_held_out_answers_no_more_than_the_share_are_under_the_threshold() -> None:
    logits, rule = known(199), NoUnitRule("energy", 0.05)

    no_unit = rule.find(logits, 1.0)

    assert no_unit is not None
    assert (
        ~rule.belongs(no_unit, logits, 1.0)
    ).sum() == 9  # the tenth of 200 x 0.05 is the threshold


@pytest.mark.parametrize(("count", "review"), [(500, 0.0), (18, 0.05), (0, 0.05)])
def test_nothing_is_asked_with_a_share_of_zero_or_too_few_answers(
    count: int, review: float
) -> None:
    rule = NoUnitRule("probability", review)

    assert rule.find(known(count), 1.0) is None
    assert rule.belongs(None, strange(3), 1.0).all()


@pytest.mark.parametrize("score", BELONGING)
def test_classes_without_samples_are_not_asked(score: str) -> None:
    logits = np.hstack([known(100), np.full((100, 1), 30.0)])
    alone, beside = NoUnitRule(score), NoUnitRule(score, columns=np.arange(5))

    found = beside.find(logits, 1.0)

    assert found == alone.find(logits[:, :5], 1.0)
    assert found != alone.find(logits, 1.0)
    held_back = ~beside.belongs(found, logits, 1.0)
    np.testing.assert_array_equal(held_back, ~alone.belongs(found, logits[:, :5], 1.0))


def test_a_rule_is_made_for_what_answers_and_for_the_units_that_were_taught() -> None:
    rule = NoUnitRule.of("names", 0.1, ["A", "B", "C"], taught=["C", "A"])

    assert (rule.score, rule.review) == (SCORES["names"], 0.1)
    assert rule.columns is not None
    assert rule.columns.tolist() == [0, 2]


def test_each_kind_of_answer_has_a_score_that_serving_knows() -> None:
    assert set(SCORES.values()) <= set(BELONGING)
