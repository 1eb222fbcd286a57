"""What is measured of the promise: the old rule, the truth of a pool, planted near-duplicates."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from bench.promise_planted import Town, measure
from bench.promise_rule import Answers, kept, measure_rule, old_threshold
from bench.promise_splits import TARGET, Routed, row
from classifier.calibration import HOLD_ALL
from training.near_duplicates import group_near_duplicates


def test_the_old_rule_takes_the_lowest_threshold_whose_measured_error_is_on_target() -> None:
    answers = Answers(
        np.array([0.9, 0.8, 0.7, 0.7, 0.5]), np.array([True, False, True, True, False])
    )

    # At 0.8 the error is 1/2, yet further down it is 1/4 again.
    assert old_threshold(answers, 0.25) == 0.7
    assert old_threshold(replace(answers, correct=np.zeros(5, dtype=bool)), 0.25) == HOLD_ALL


def test_the_errors_of_thresholds_are_counted_in_the_pool() -> None:
    pool = Answers(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]))

    found = kept(pool, [HOLD_ALL, 0.8, 0.7, 0.6], target=0.3)

    assert found.broken == 1 / 4  # at 0.7 one of three is wrong
    assert found.coverage == pytest.approx((0 + 2 + 3 + 4) / 16)
    assert found.held_all == 1 / 4


def test_the_new_rule_breaks_its_promise_seldom_and_the_old_one_in_half_of_all_draws() -> None:
    rng = np.random.default_rng(1)
    probability = 1 - rng.beta(0.3, 2.5, 4_000)
    pool = Answers(probability.round(6), rng.random(4_000) < probability)

    rows = measure_rule({"made up": pool}, draws=100)

    assert [(one.n, one.target) for one in rows[:2]] == [(200, 0.03), (200, 0.05)]
    at_500 = next(one for one in rows if (one.n, one.target) == (500, 0.05))
    assert at_500.old.broken > 0.3
    assert at_500.new.broken < 0.2  # 10 % at most, and the luck of a hundred draws
    assert 0 < at_500.new.coverage < at_500.best
    assert at_500.needed is not None
    assert at_500.needed < 500


def test_of_splits_those_are_counted_whose_test_part_refutes_the_target() -> None:
    found = row([Routed(1_000, 400, 20), Routed(1_000, 400, 40), Routed(1_000, 0, 0)])

    assert (found["splits"], found["refuted"], found["all held back"]) == (3, 1, 1)
    assert found["mean error"] == pytest.approx(0.075)
    assert found["mean coverage"] == pytest.approx(0.8 / 3)


def test_tickets_told_again_are_near_duplicates_and_new_ones_are_not() -> None:
    town = Town(3)
    tickets = [town.ticket() for _ in range(200)]
    again = [town.again(ticket) for ticket in tickets]

    groups = group_near_duplicates([one.text for one in (*tickets, *again)])

    assert (groups[:200] == groups[200:]).mean() > 0.95
    assert len(set(groups.tolist())) > 195


def test_near_duplicates_on_both_sides_break_the_promise_and_groups_keep_it() -> None:
    old = measure(0, grouped=False, count=150)
    new = measure(0, grouped=True, count=150)

    # Given the target, so many errors among the routed have a chance of one in a million.
    assert binom.sf(old.wrong - 1, old.routed, TARGET) < 1e-6
    assert new.wrong <= TARGET * new.routed
    assert new.routed > 0.6 * new.tickets
