"""Better on the recent stream: weights, what doubt alone may say, and what a refusal advises."""

import pytest

from tests.support.judged import judged, said
from training.gate.recent import LEAST_BY_CHANCE, check_better
from training.gate.tickets import JudgedTicket
from training.gate.verdict import Finding

DOUBTED = judged("A" * 200, asked="doubtful")
SAMPLED = judged("A" * 50, inclusion=0.1, start=200)


def found(
    mine: str,
    other: str,
    tickets: list[JudgedTicket] | None = None,
    look: int = 1,
    unseen: int = 450,
) -> Finding:
    """The finding on 200 doubted tickets and 50 of 500 that chance drew; A is right."""
    tickets = DOUBTED + SAMPLED if tickets is None else tickets
    return check_better(tickets, said(mine), said(other), look, unseen)


def test_doubted_tickets_never_decide_alone() -> None:
    finding = found("A" * 200, "B" * 200, DOUBTED)

    assert not finding.passed
    assert "chance drew 0" in finding.text
    assert "PAIDAN_REVIEW_SAMPLE" in finding.cure


def test_a_few_drawn_by_chance_are_too_few() -> None:
    few = DOUBTED + SAMPLED[: LEAST_BY_CHANCE - 1]

    assert "chance drew 19" in found("A" * len(few), "B" * len(few), few).text


def test_doubted_tickets_decide_where_nothing_was_unseen() -> None:
    finding = found("A" * 200, "B" * 40 + "A" * 160, DOUBTED, unseen=0)

    assert finding.passed
    assert finding.facts["stand_for"] == 200


def test_tickets_drawn_by_chance_stand_for_those_that_nobody_saw() -> None:
    # Ten of the doubted are gained, one of those that stand for ten is lost.
    finding = found("A" * 249 + "B", "B" * 10 + "A" * 240)

    assert finding.facts["stand_for"] == pytest.approx(200 + 50 * 10)
    assert finding.facts["gain"] == pytest.approx(0.0)
    assert not finding.passed


def test_where_few_of_the_drawn_are_decided_each_stands_for_more() -> None:
    # One is lost that stands for 40, not for 10 as its inclusion probability alone says.
    finding = found("A" * 249 + "B", "B" * 10 + "A" * 240, unseen=1_950)

    assert finding.facts["stand_for"] == pytest.approx(200 + 2_000)
    assert finding.facts["gain"] == pytest.approx((10 - 40) / 2_200)


def test_a_gain_on_doubted_and_drawn_tickets_is_found_and_told() -> None:
    finding = found("A" * 250, "B" * 40 + "A" * 190 + "B" * 20)

    assert finding.passed
    assert "on 250 recent tickets, 50 of them drawn by chance, which stand for 700" in finding.text
    assert "the challenger gains +34.3 points" in finding.text
    assert "97.0% confidence (look 1)" in finding.text


def test_later_looks_ask_for_more() -> None:
    mine, other = "A" * 250, "B" * 40 + "A" * 202 + "B" * 8

    assert found(mine, other, look=1).passed
    assert not found(mine, other, look=100).passed


def test_a_gain_that_is_not_proven_says_how_many_tickets_would_prove_it() -> None:
    finding = found("A" * 250, "B" * 12 + "A" * 238)

    assert not finding.passed
    assert "such tickets would prove it" in finding.cure
    assert "150 tickets, drawn at random" in finding.cure


def test_tickets_whose_chance_nobody_knows_are_left_out() -> None:
    unknown = judged("A" * 500, asked="file", inclusion=None, start=250)

    with_them = found("A" * 750, "A" * 250 + "B" * 500, DOUBTED + SAMPLED + unknown)

    assert with_them.facts["gain"] == 0
    assert with_them.facts["tickets"] == 250
    assert "none of 500 decided recent tickets" in found("A" * 500, "B" * 500, unknown).text


def test_near_duplicates_gain_as_one() -> None:
    """A form that came thirty times is one event, though it weighs as thirty tickets."""
    form = [JudgedTicket("A form", "A", 999, "doubtful", 1.0) for _ in range(30)]
    alone = found("A" * 280, "A" * 250 + "B" * 30, DOUBTED + SAMPLED + form)
    apart = judged("A" * 30, asked="doubtful", start=250)
    many = found("A" * 280, "A" * 250 + "B" * 30, DOUBTED + SAMPLED + apart)

    assert alone.facts["gain"] == many.facts["gain"]
    assert float(str(alone.facts["lower_bound"])) < float(str(many.facts["lower_bound"]))


def test_the_rarer_such_tickets_are_asked_about_the_more_each_stands_for() -> None:
    """Of as many unseen tickets, those of a week with a small sample stand for more."""
    rare = judged("A" * 50, inclusion=0.05, start=250)

    finding = found("A" * 250 + "A" * 49 + "B", "A" * 300, DOUBTED + SAMPLED + rare, unseen=1_400)

    assert finding.facts["stand_for"] == pytest.approx(200 + 1_500)
    assert finding.facts["gain"] == pytest.approx(-20 / 1_700)
