"""The gate as a whole: both versions answer, every check has its say."""

import pytest

from core.errors import InputError
from tests.support.judged import Clock, Scripted, judged
from training.gate.costs import Costs
from training.gate.judging import Evidence, judge
from training.gate.memory import Peak
from training.gate.tickets import text_hash
from training.gate.verdict import Verdict

ALLOWED = frozenset("ABC")
FROZEN = judged("ABC" * 200, asked="file", inclusion=None)
RECENT = judged("ABC" * 100, asked="doubtful", start=1_000) + judged(
    "ABC" * 50, inclusion=0.5, start=2_000
)
EVIDENCE = Evidence(FROZEN, RECENT, unseen=150)
EQUAL = (Costs((0.02,)), Costs((0.02,)))


def poor(text: str) -> str:
    """Every fifth ticket is answered wrong."""
    return "D" if int(text.split()[-1]) % 5 == 0 else text[0]


def refused(verdict: Verdict) -> set[str]:
    return {finding.check for finding in verdict.refusals}


def test_a_better_version_is_promoted() -> None:
    champion, challenger = Scripted("v1", poor, 0.8), Scripted("v2", probability=0.98)

    verdict = judge(EVIDENCE, champion, challenger, allowed=ALLOWED, costs=EQUAL)

    assert verdict.promoted
    assert (verdict.champion, verdict.challenger) == ("v1", "v2")
    assert [finding.check for finding in verdict.findings] == [
        "frozen",
        "units",
        "calibration",
        "recent",
        "latency",
        "memory",
    ]


def test_an_equal_version_is_not_promoted_as_better() -> None:
    verdict = judge(EVIDENCE, Scripted("v1"), Scripted("v2"), allowed=ALLOWED, costs=EQUAL)

    assert refused(verdict) == {"recent"}


def test_a_better_version_that_is_slower_is_refused_for_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr("training.gate.costs.perf_counter", clock.read)
    champion = Scripted("v1", poor, 0.8, takes=lambda _: 0.01, clock=clock)
    challenger = Scripted("v2", probability=0.98, takes=lambda _: 0.015, clock=clock)

    verdict = judge(EVIDENCE, champion, challenger, allowed=ALLOWED)

    assert refused(verdict) == {"latency"}
    assert "within 15 ms, the champion within 10 ms (150% of it)" in verdict.reasons[0]


def test_a_better_version_that_takes_more_memory_is_refused_for_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr("training.gate.costs.perf_counter", clock.read)
    peaks = (Peak(100 << 20), Peak(150 << 20))

    verdict = judge(
        EVIDENCE,
        Scripted("v1", poor, 0.8),
        Scripted("v2", probability=0.98),
        allowed=ALLOWED,
        peaks=peaks,
    )

    assert refused(verdict) == {"memory"}
    assert "takes 150 MiB at most and the champion 100 MiB" in verdict.reasons[0]


def test_where_disagreements_were_answered_they_decide_and_held_back_tickets_do_not() -> None:
    evidence = Evidence(FROZEN, RECENT, 150, disagreements=judged("A" * 60, asked="blind"))
    alike_on_them = Scripted(
        "v1", lambda text: text[0] if int(text.split()[-1]) < 60 else poor(text)
    )

    verdict = judge(evidence, alike_on_them, Scripted("v2"), allowed=ALLOWED, costs=EQUAL)

    assert refused(verdict) == {"recent"}
    assert "of 60 disagreements" in verdict.reasons[0]


def test_a_challenger_that_learned_tickets_of_the_evidence_is_refused_at_once() -> None:
    for tickets, name in ((FROZEN, "1 of the 600 frozen"), (RECENT, "1 of the 450 recent")):
        learned = {text_hash(tickets[7].text)}

        with pytest.raises(InputError, match=f"v2 has learned {name} tickets"):
            judge(EVIDENCE, Scripted("v1"), Scripted("v2"), allowed=ALLOWED, learned=learned)


def test_the_challenger_must_be_no_worse_than_the_best_champion_so_far_either() -> None:
    champion, challenger, best = Scripted("v1", poor), Scripted("v2", poor), Scripted("v0")

    verdict = judge(EVIDENCE, champion, challenger, allowed=ALLOWED, best=best, costs=EQUAL)

    assert refused(verdict) == {"best so far", "recent"}
    assert "the best champion so far, v0" in verdict.reasons[0]


def test_without_any_ticket_nothing_is_promoted_and_both_cures_are_told() -> None:
    verdict = judge(Evidence([], [], 0), Scripted("v1"), Scripted("v2"), allowed=ALLOWED)

    assert refused(verdict) == {"frozen", "recent"}
    assert all(finding.cure for finding in verdict.refusals)
