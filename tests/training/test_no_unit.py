"""Tickets of no unit: known ones are held back no more often than asked, strange ones far more."""

import numpy as np
import pytest

from classifier.belonging import BELONGING
from classifier.calibration import Floats
from training.no_unit import SCORES, belongs, find_no_unit


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
    shares = []
    for seed in range(100):
        no_unit = find_no_unit(known(1_000, seed), 0.7, score, review)
        assert no_unit is not None
        shares.append((~belongs(no_unit, known(2_000, 1_000 + seed), 0.7)).mean())

    assert 0.9 * review < np.mean(shares) < 1.1 * review
    assert (~belongs(no_unit, strange(500), 0.7)).mean() > 0.8


def test_of_the_held_out_answers_no_more_than_the_share_are_under_the_threshold() -> None:
    logits = known(199)

    no_unit = find_no_unit(logits, 1.0, "energy", 0.05)

    assert no_unit is not None
    assert (~belongs(no_unit, logits, 1.0)).sum() == 9  # the tenth of 200 x 0.05 is the threshold


@pytest.mark.parametrize(("count", "review"), [(500, 0.0), (18, 0.05), (0, 0.05)])
def test_nothing_is_asked_with_a_share_of_zero_or_too_few_answers(
    count: int, review: float
) -> None:
    assert find_no_unit(known(count), 1.0, "probability", review) is None
    assert belongs(None, strange(3), 1.0).all()


def test_each_kind_of_answer_has_a_score_that_serving_knows() -> None:
    assert set(SCORES.values()) <= set(BELONGING)
