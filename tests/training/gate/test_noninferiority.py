"""No worse on the frozen set: Newcombe's interval, and a margin that the set's size sets."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.judged import judged, said
from training.gate.noninferiority import Pairs, check_no_worse, count_pairs, margin, tickets_needed
from training.gate.verdict import Finding


def found(pairs: str, n: int = 1_000) -> Finding:
    """The finding where the challenger says ``pairs`` first and is right of all else."""
    tickets = judged("A" * n)
    mine = said(pairs.ljust(n, "A"))
    return check_no_worse(tickets, mine, said("A" * n), check="frozen", name="the champion v1")


@pytest.mark.parametrize(
    ("pairs", "bound"),
    # The limits that the package contingencytables (Fagerland, Lydersen & Laake) prints at 95 %,
    # two-sided, of Cavo et al. 2012; the other way round, the upper limit.
    [(Pairs(59, 6, 16, 80), -0.1186), (Pairs(59, 16, 6, 80), 0.0046)],
)
def test_the_bound_is_newcombes(pairs: Pairs, bound: float) -> None:
    assert pairs.lower_bound(0.975) == pytest.approx(bound, abs=5e-5)


def test_the_bound_is_under_the_true_difference_in_19_of_20_sets() -> None:
    random = np.random.default_rng(5)
    # Both right, gained, lost, neither: the challenger is two points worse.
    draws = random.multinomial(500, (0.85, 0.03, 0.05, 0.07), size=2_000)

    under = [Pairs(*map(int, draw)).lower_bound() < -0.02 for draw in draws]

    assert 0.93 <= np.mean(under) <= 0.97


def test_two_versions_that_never_disagree_are_not_known_to_be_equal() -> None:
    assert -0.02 < Pairs(900, 0, 0, 100).lower_bound() < 0
    assert Pairs(1_000, 0, 0, 0).lower_bound() < 0


def test_the_margin_falls_with_the_sets_size() -> None:
    assert margin(400) == pytest.approx(2 * margin(1_600))
    assert margin(tickets_needed()) <= 0.05 < margin(tickets_needed() - 1)


def test_a_loss_as_large_as_the_margin_passes_in_one_of_twenty_sets_and_equals_in_most() -> None:
    random = np.random.default_rng(6)
    allowed = margin(1_000)

    def passed(loss: float) -> float:
        parts = (0.85, (0.1 - loss) / 2, (0.1 + loss) / 2, 0.05)
        draws = random.multinomial(1_000, parts, size=2_000)
        return float(np.mean([Pairs(*map(int, one)).lower_bound() > -allowed for one in draws]))

    assert passed(allowed) <= 0.06
    assert passed(0.0) >= 0.77


def test_a_finding_tells_margin_counts_and_what_the_set_can_prove() -> None:
    finding = found("B" * 5)

    assert finding.passed
    assert finding.text.startswith("on 1,000 distinct frozen tickets the challenger answers 99.5% ")
    assert "right and the champion v1 100.0%" in finding.text
    assert "margin of so many tickets is -2.5 points" in finding.text
    assert "0 gained, 5 lost" in finding.text
    assert finding.facts["provable_loss"] == pytest.approx(0.0071, abs=1e-4)


def test_a_worse_challenger_is_refused() -> None:
    assert not found("B" * 50).passed
    assert found("B" * 50).cure == ""


def test_a_loss_within_the_margin_that_is_not_proven_asks_for_more_tickets() -> None:
    assert not found("B" * 20).passed
    assert "more frozen tickets" in found("B" * 20).cure


def test_a_set_that_proves_nothing_is_refused_with_the_number_that_is_missing() -> None:
    finding = found("", n=200)

    assert not finding.passed
    assert f"decide {tickets_needed() - 200} more" in finding.cure


def test_near_duplicates_count_once() -> None:
    tickets = [
        replace(one, group=0 if row < 40 else row) for row, one in enumerate(judged("A" * 60))
    ]

    pairs = count_pairs(tickets, said("B" * 40 + "A" * 20), said("A" * 60))

    assert pairs == Pairs(both=20, gained=0, lost=1, neither=0)
