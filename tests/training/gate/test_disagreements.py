"""Disagreements: drawn at random, answered blind, decided by the exact test of McNemar."""

import numpy as np
import pytest
from scipy.stats import binom

from tests.support.judged import judged, said
from training.gate.disagreements import check_better_blind, draw


def test_only_disagreements_are_drawn_each_as_likely_as_any_other() -> None:
    mine, other = said("A" * 60 + "B" * 40), said("A" * 100)
    counts = np.zeros(100)
    for seed in range(400):
        counts[draw(np.arange(100), mine, other, seed, count=10).rows] += 1

    assert not counts[:60].any()
    # Each of 40 is drawn in a quarter of the draws: 100 times, with a deviation of 9.
    assert 60 < counts[60:].min() <= counts[60:].max() < 140


def test_a_draw_tells_how_often_the_two_disagree_and_takes_a_near_duplicate_once() -> None:
    groups = np.array([0] * 50 + list(range(1, 51)))
    drawn = draw(groups, said("B" * 60 + "A" * 40), said("A" * 100), seed=1)

    assert drawn.share == pytest.approx(11 / 51)
    assert len(drawn.rows) == 11
    assert (drawn.rows < 50).sum() == 1


def test_nothing_can_be_drawn_of_nothing() -> None:
    drawn = draw(np.empty(0, dtype=np.int64), said(""), said(""), seed=1)

    assert (len(drawn.rows), drawn.share) == (0, 0.0)


def test_it_is_the_exact_test_and_tells_points_of_the_stream() -> None:
    # 30 gained, 12 lost, 8 wrong by both.
    tickets = judged("A" * 50)
    mine, other = said("A" * 30 + "B" * 12 + "C" * 8), said("B" * 30 + "A" * 12 + "B" * 8)

    finding = check_better_blind(tickets, mine, other, look=1, share=0.1)

    assert finding.facts["p"] == pytest.approx(float(binom.sf(29, 42, 0.5)))
    assert finding.passed
    assert "the challenger has 30 right and the champion 12: +3.6 points of the stream" in (
        finding.text
    )


def test_a_later_look_needs_a_smaller_p() -> None:
    tickets = judged("A" * 42)
    mine, other = said("A" * 30 + "B" * 12), said("B" * 30 + "A" * 12)

    refused = check_better_blind(tickets, mine, other, look=3)

    assert check_better_blind(tickets, mine, other, look=1).passed
    assert not refused.passed
    assert "have more disagreements drawn" in refused.cure


def test_two_that_are_wrong_alike_prove_nothing() -> None:
    finding = check_better_blind(judged("A" * 5), said("B" * 5), said("C" * 5), look=1)

    assert finding.facts["p"] == 1.0
    assert not finding.passed
    assert finding.cure == ""
