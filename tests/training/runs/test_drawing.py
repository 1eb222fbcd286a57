"""Drawing: both versions answer recent tickets until they differ on enough of them."""

import pytest

from tests.support.judged import Scripted
from training.runs import drawing
from training.runs.drawing import draw_disagreements
from training.runs.pool import PoolTicket

ALLOWED = frozenset("AB")


def pool(count: int) -> list[PoolTicket]:
    return [PoolTicket(1000 + row, f"A {row}") for row in range(count)]


def odd(text: str) -> str:
    """Every tenth ticket is answered otherwise."""
    return "B" if int(text.split()[-1]) % 10 == 0 else "A"


def test_disagreements_are_drawn_from_all_of_a_small_pool() -> None:
    found = draw_disagreements(
        pool(500), Scripted("v"), Scripted("w", odd), ALLOWED, count=150, seed=1
    )

    assert sorted(found.tickets) == list(range(1000, 1500, 10))
    assert found.share == pytest.approx(0.1)


def test_of_a_large_pool_only_as_many_are_answered_as_are_needed() -> None:
    champion, challenger = Scripted("v"), Scripted("w", odd)

    found = draw_disagreements(pool(5000), champion, challenger, ALLOWED, count=30, seed=1)

    assert len(set(found.tickets)) == 30
    assert {ticket % 10 for ticket in found.tickets} == {0}
    assert 0.05 < found.share < 0.15
    assert sum(map(len, champion.asked)) == sum(map(len, challenger.asked)) < 1000


def test_another_seed_draws_others() -> None:
    draws = [
        draw_disagreements(pool(5000), Scripted("v"), Scripted("w", odd), ALLOWED, count=30, seed=n)
        for n in (1, 1, 2)
    ]

    assert draws[0] == draws[1] != draws[2]


def test_what_was_found_is_told_however_few() -> None:
    few, none = (
        draw_disagreements(
            pool(size), Scripted("v"), Scripted("w", odd), ALLOWED, count=150, seed=1
        )
        for size in (190, 0)
    )

    assert str(few) == (
        "of 190 recent tickets that neither version has learned they answer 19 differently"
    )
    assert (none.tickets, none.share, none.answered) == ((), 0.0, 0)


def test_when_time_is_up_what_was_found_until_then_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawing, "LIMIT_S", 0.0)
    champion = Scripted("v")

    found = draw_disagreements(pool(5000), champion, Scripted("w", odd), ALLOWED, count=150, seed=1)

    assert found.answered == sum(map(len, champion.asked)) == 256
    assert 10 < len(found.tickets) < 50
