"""Priorities as systems and people write them."""

from typing import Any

import pytest

from producer.tickets.priorities import read_priority
from tests.support.make import ticket_of


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(("1", 1), (5, 5), ("P2", 2), ("p4", 4), ("", 3), ("1.0", 1), (2.0, 2), ("Ｐ１", 1)),
        *(("特急", 1), ("紧急", 1), ("高", 2), ("中", 3), ("普通", 3), ("一般", 3), ("低", 4)),
        *(("Urgent", 1), ("HIGH", 2), (" normal ", 3), ("Medium", 3), ("low", 4), ("NULL", 3)),
    ],
)
def test_priorities_are_numbers_or_words(value: Any, number: int) -> None:
    assert ticket_of({"text": "漏水", "priority": value}).priority == number


@pytest.mark.parametrize("text", ["", "0", "6", "1.5", "P", "P6", "12", "gold", "急急"])
def test_what_is_no_priority_is_not_guessed(text: str) -> None:
    assert read_priority(text) is None


@pytest.mark.parametrize("text", ["紧急", "URGENT", " p1 ", "１", "1.00"])
def test_case_width_and_spaces_do_not_count(text: str) -> None:
    assert read_priority(text) == 1
