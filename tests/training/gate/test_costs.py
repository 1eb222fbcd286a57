"""What answering takes: versions take turns, and 20 % more is the most."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.judged import Clock, Scripted
from training.gate.costs import ROUNDS, Costs, check_costs, measure_latency
from training.gate.memory import Peak

ALLOWED = frozenset("AB")
TEXTS = [f"A {row}" for row in range(50)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("training.gate.costs.perf_counter", clock.read)
    return clock


def on_a_busy_machine(seed: int, slower: float = 1.0) -> Callable[[str], float]:
    """Seconds of a lone ticket: 10 ms and more, a third as much more, now and then ten times."""
    noise = random.Random(seed)

    def takes(text: str) -> float:
        seconds = 0.01 + int(text[2:]) / 1e4
        pause = 10 if noise.random() < 0.03 else 1
        return slower * seconds * (1 + noise.expovariate(3)) * pause

    return takes


def latencies(
    clock: Clock, champion: Callable[[str], float], challenger: Callable[[str], float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    first = Scripted("v1", takes=champion, clock=clock)
    second = Scripted("v2", takes=challenger, clock=clock)
    return measure_latency(first, second, TEXTS, ALLOWED)


def test_the_95th_percentile_of_lone_tickets_is_measured_in_each_round(clock: Clock) -> None:
    """Ticket by ticket one more millisecond, and twice that."""
    first = Scripted("v1", takes=lambda text: int(text[2:]) / 1e3, clock=clock)
    second = Scripted("v2", takes=lambda text: int(text[2:]) / 5e2, clock=clock)

    mine, other = measure_latency(first, second, TEXTS, ALLOWED)

    assert mine == pytest.approx([0.0465] * ROUNDS, abs=0.001)
    assert other == pytest.approx([2 * seconds for seconds in mine])
    assert {len(texts) for texts in first.asked} == {1}


def test_the_rounds_end_with_the_first_in_which_the_challenger_is_quick_enough(
    clock: Clock,
) -> None:
    """Twice as slow for two rounds and a part of the third."""
    answers = iter(range(1_000_000))

    def soon_quicker(_: str) -> float:
        return 0.02 if next(answers) < 250 else 0.01

    mine, other = latencies(clock, lambda _: 0.01, soon_quicker)

    assert 1 < len(other) < ROUNDS
    assert other == pytest.approx([0.02] * (len(other) - 1) + [0.01])
    assert mine == pytest.approx([0.01] * len(other))


def test_versions_take_turns_so_that_a_slow_minute_falls_on_both(clock: Clock) -> None:
    """Whoever comes later waits longer; measured one after the other, the second would lose."""

    def waits(_: str) -> float:
        return 0.01 + clock.now / 100

    mine, other = latencies(clock, waits, waits)

    assert all(0.8 < a / b < 1.2 for a, b in zip(mine, other, strict=True))


def test_one_slow_answer_of_two_does_not_count(clock: Clock) -> None:
    asked: dict[str, int] = {}

    def stalls(text: str) -> float:
        asked[text] = asked.get(text, 0) + 1
        return 9.0 if asked[text] < 25 and asked[text] % 2 else 0.01

    mine, other = latencies(clock, lambda _: 0.01, stalls)

    assert mine == pytest.approx([0.01])
    assert other == pytest.approx([0.01])


def test_slow_versions_answer_fewer_tickets(clock: Clock) -> None:
    slow = Scripted("v1", takes=lambda _: 3.0, clock=clock)

    measure_latency(slow, Scripted("v2", clock=clock), TEXTS, ALLOWED)

    assert {texts[0] for texts in slow.asked} == set(TEXTS[:20])


@pytest.mark.parametrize("seed", range(20))
def test_on_a_busy_machine_an_equal_version_passes_and_one_of_half_its_speed_is_refused(
    clock: Clock, seed: int
) -> None:
    champion = on_a_busy_machine(seed)

    for slower, passes in ((1.0, True), (2.0, False)):
        mine, other = latencies(clock, champion, on_a_busy_machine(100 + seed, slower))
        finding, _ = check_costs(Costs(other), Costs(mine))
        assert finding.passed == passes, finding


def test_more_than_a_fifth_slower_is_refused_with_both_times() -> None:
    latency, memory = check_costs(Costs((0.025,)), Costs((0.02,)))

    assert not latency.passed
    assert "within 25 ms, the champion within 20 ms (125% of it); 120% is allowed" in latency.text
    assert memory.passed


def test_slower_in_all_rounds_but_one_is_taken_for_chance_and_the_rounds_are_told() -> None:
    latency, _ = check_costs(Costs((0.03,) * 4 + (0.022,)), Costs((0.02,) * 5))

    assert latency.passed
    assert "(150% of it) (in 5 rounds 110% to 150%); 120% is allowed" in latency.text


def test_a_fifth_slower_and_larger_passes() -> None:
    latency, memory = check_costs(
        Costs((0.0239,), Peak(119 << 20)), Costs((0.02,), Peak(100 << 20))
    )

    assert latency.passed
    assert memory.passed


def test_more_memory_is_refused() -> None:
    _, memory = check_costs(Costs((0.02,), Peak(121 << 20)), Costs((0.02,), Peak(100 << 20)))

    assert not memory.passed
    assert "121 MiB at most and the champion 100 MiB" in memory.text


@pytest.mark.parametrize("whose", ["challenger", "champion"])
def test_memory_that_could_not_be_measured_refuses_nothing_and_is_told(whose: str) -> None:
    measured, failed = Costs((0.02,), Peak(1 << 20)), Costs((0.02,), Peak(None, "it died"))
    pair = (failed, measured) if whose == "challenger" else (measured, failed)

    _, memory = check_costs(*pair)

    assert memory.passed
    assert f"the {whose}'s was not measured: it died" in memory.text


def test_an_llm_that_would_follow_a_linear_model_is_not_held_to_its_costs() -> None:
    linear = Costs((0.007,), Peak(200 << 20), "linear")
    llm = Costs((0.03,), Peak(6000 << 20), "llm")

    for finding in check_costs(llm, linear):
        assert finding.passed
        assert "llm" in finding.text
        assert finding.cure == ""
    for finding in check_costs(replace(llm, kind="linear"), linear):
        assert not finding.passed
