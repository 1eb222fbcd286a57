"""What answering takes: versions take turns, and 20 % more is the most."""

import pytest

from tests.support.judged import Clock, Scripted
from training.gate.costs import Costs, check_costs, measure_latency

ALLOWED = frozenset("AB")
TEXTS = [f"A {row}" for row in range(50)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("training.gate.costs.perf_counter", clock.read)
    return clock


def test_the_95th_percentile_of_lone_tickets_is_measured(clock: Clock) -> None:
    """Ticket by ticket one more millisecond, and twice that."""
    first = Scripted("v1", takes=lambda text: int(text[2:]) / 1e3, clock=clock)
    second = Scripted("v2", takes=lambda text: int(text[2:]) / 5e2, clock=clock)

    mine, other = measure_latency(first, second, TEXTS, ALLOWED)

    assert mine == pytest.approx(0.0465, abs=0.001)
    assert other == pytest.approx(2 * mine)
    assert {len(texts) for texts in first.asked} == {1}


def test_versions_take_turns_so_that_a_slow_minute_falls_on_both(clock: Clock) -> None:
    """Whoever comes later waits longer; measured one after the other, the second would lose."""

    def waits(_: str) -> float:
        return 0.01 + clock.now / 100

    latencies = measure_latency(
        Scripted("v1", takes=waits, clock=clock),
        Scripted("v2", takes=waits, clock=clock),
        TEXTS,
        ALLOWED,
    )

    assert max(latencies) / min(latencies) < 1.2


def test_one_slow_answer_of_three_does_not_count(clock: Clock) -> None:
    asked: dict[str, int] = {}

    def stalls(text: str) -> float:
        asked[text] = asked.get(text, 0) + 1
        return 9.0 if asked[text] == 2 else 0.01

    steady = Scripted("v1", takes=lambda _: 0.01, clock=clock)
    times = measure_latency(steady, Scripted("v2", takes=stalls, clock=clock), TEXTS, ALLOWED)

    assert times == pytest.approx((0.01, 0.01))


def test_more_than_a_fifth_slower_is_refused_with_both_times() -> None:
    latency, memory = check_costs(Costs(0.025), Costs(0.02))

    assert not latency.passed
    assert "within 25 ms, the champion within 20 ms (125% of it); 120% is allowed" in latency.text
    assert memory.passed
    assert memory.text == "nobody measured it"


def test_a_fifth_slower_and_larger_passes() -> None:
    latency, memory = check_costs(Costs(0.0239, 119 << 20), Costs(0.02, 100 << 20))

    assert latency.passed
    assert memory.passed


def test_more_memory_is_refused() -> None:
    _, memory = check_costs(Costs(0.02, 121 << 20), Costs(0.02, 100 << 20))

    assert not memory.passed
    assert "121 MiB at most and the champion 100 MiB" in memory.text
