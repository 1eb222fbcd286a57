"""What the gate's benchmark measures, on fewer pairs: the gate keeps what it promises."""

from dataclasses import replace

import numpy as np
import pytest

from bench.gate import Case, Outcome, better_cases, equal_cases, measure
from bench.gate_pairs import Stream, draw_decided, draw_pair

OFTEN = Stream(sample=0.2)
EQUAL = Case("equal", 2_000, OFTEN)


@pytest.fixture(scope="module")
def equal() -> Outcome:
    return measure(EQUAL, pairs=60)


def test_simulated_versions_are_as_good_as_said_and_doubt_where_they_err() -> None:
    stream = Stream()
    answered = draw_pair(np.random.default_rng(1), stream, 20_000, gain=0.03)
    champion, right = answered.champion, answered.champion.units == answered.right
    doubted = champion.probability < stream.threshold

    assert right.mean() == pytest.approx(0.9, abs=0.01)
    assert (answered.challenger.units == answered.right).mean() == pytest.approx(0.93, abs=0.01)
    assert doubted.mean() == pytest.approx(0.2, abs=0.01)
    assert right[doubted].mean() < 0.75
    assert champion.probability.mean() == pytest.approx(0.9, abs=0.01)


def test_people_decide_doubted_tickets_and_a_sample_of_others() -> None:
    stream = Stream(sample=0.2, done=0.5)
    random = np.random.default_rng(1)
    decided, judged = draw_decided(random, stream, draw_pair(random, stream, 20_000))

    assert len(judged) == pytest.approx(20_000 * stream.decided, rel=0.05)
    assert {(one.asked, one.inclusion) for one in judged} == {("doubtful", 1.0), ("sample", 0.2)}
    assert [one.unit for one in judged] == decided.right.tolist()


def test_equal_pairs_are_seldom_promoted_though_doubted_tickets_alone_call_them_better(
    equal: Outcome,
) -> None:
    assert equal.promoted <= 0.06
    assert equal.unweighted > 0.4


def test_equal_pairs_are_seldom_promoted_where_few_of_the_sample_are_decided() -> None:
    late = measure(Case("late", 2_000, replace(OFTEN, done=1 / 3)), pairs=60)

    assert late.better <= 0.06


def test_pairs_better_by_what_the_tickets_can_prove_are_promoted(equal: Outcome) -> None:
    assert equal.provable is not None

    better = measure(replace(EQUAL, gain=equal.provable / 100), pairs=60)

    assert better.promoted >= 0.8


def test_blind_answers_promote_what_is_better_and_little_that_is_equal() -> None:
    equal = measure(Case("equal", 0), pairs=60)
    assert equal.provable is not None
    better = measure(Case("better", 0, gain=equal.provable / 100), pairs=60)

    assert equal.promoted <= 0.06
    assert better.promoted >= 0.8


@pytest.mark.parametrize(
    ("spoilt", "check"), [("flips", "frozen"), ("A to B", "units"), ("slower", "latency")]
)
def test_a_spoilt_challenger_is_refused_for_what_was_spoilt(spoilt: str, check: str) -> None:
    outcome = measure(Case(spoilt, 2_000, OFTEN, gain=0.03, spoilt=spoilt), pairs=15)

    assert outcome.promoted == 0
    assert outcome.refused_by[check] == 1


def test_better_cases_gain_what_equal_ones_could_prove(equal: Outcome) -> None:
    outcomes = [
        replace(equal, provable=None if case.stream.sample == 0 else 2.5) for case in equal_cases()
    ]

    found = better_cases(outcomes)

    assert {case.gain for case in found} == {0.025}
    assert len(found) == len(outcomes) - 1
