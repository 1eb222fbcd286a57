"""Judged tickets: what is refused of them, and what a version may not have learned."""

import pytest

from core.errors import InputError
from tests.support.judged import judged
from training.gate.tickets import (
    JudgedTicket,
    check_unlearned,
    group_numbers,
    right_units,
    text_hash,
)


@pytest.mark.parametrize("inclusion", [0.0, -0.1, 1.5])
def test_an_impossible_inclusion_probability_is_refused(inclusion: float) -> None:
    with pytest.raises(InputError, match="over 0 and at most 1"):
        JudgedTicket("text", "A", 0, "sample", inclusion)


def test_a_learned_ticket_is_refused_with_its_set_its_number_and_the_cure() -> None:
    tickets = judged("AABB")
    learned = {text_hash(tickets[1].text), text_hash("another")}

    with pytest.raises(InputError, match=r"1 of the 4 frozen tickets.*take them out") as caught:
        check_unlearned(tickets, learned, "frozen", "v2")

    assert text_hash(tickets[1].text)[:12] in str(caught.value)
    assert tickets[1].text not in str(caught.value)


def test_tickets_that_nobody_learned_pass() -> None:
    check_unlearned(judged("AB"), {text_hash("another")}, "frozen", "v2")
    check_unlearned(judged("AB"), (), "frozen", "v2")


def test_units_and_groups_are_told_in_order() -> None:
    tickets = [JudgedTicket("x", "B", 3), JudgedTicket("y", "A12", 3)]

    assert right_units(tickets).tolist() == ["B", "A12"]
    assert group_numbers(tickets).tolist() == [3, 3]
