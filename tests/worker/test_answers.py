"""Which answers of a model may be stored."""

import math
from dataclasses import replace
from typing import Any

import pytest

from classifier.interface import Batch, Decision
from db.claims import Claim, ClaimedTicket
from worker.answers import check, to_results

GOOD = Decision("A", 0.75, (("A", 0.75), ("B", 0.25)), None, "v1", ((0.9, ("A", "B")),))
ALLOWED = frozenset("AB")


def test_an_answer_is_stored_under_its_tickets_round() -> None:
    ticket = ClaimedTicket(7, None, "路灯坏了", 2, 10, "bulk")

    [result] = to_results(Claim("token", [ticket]), Batch(["路灯坏了"], [ALLOWED]), [GOOD])

    assert (result.ticket_id, result.round, result.unit) == (7, 2, "A")
    assert (result.probability, result.top_k, result.held_back) == (0.75, GOOD.top_k, None)
    assert result.sets == GOOD.sets


@pytest.mark.parametrize("held_back", [None, "doubtful", "unlearned", "no_unit"])
def test_each_reason_to_hold_an_answer_back_is_known(held_back: Any) -> None:
    check([replace(GOOD, held_back=held_back)], [ALLOWED])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"unit": "C"}, "no allowed unit"),
        ({"top_k": (("A", 0.75), ("密", 0.25))}, "no allowed unit"),
        ({"probability": math.nan}, "no finite number"),
        ({"probability": "密"}, "no finite number"),
        ({"top_k": (("A", math.inf),)}, "no finite number"),
        ({"held_back": "密"}, "unknown reason"),
        ({"sets": ((0.9, ("A", "密")),)}, "no allowed unit"),
        ({"sets": ((math.nan, ("A",)),)}, "no finite number"),
    ],
)
def test_what_no_database_stores_is_refused_without_a_quote(
    change: dict[str, Any], what: str
) -> None:
    with pytest.raises(ValueError, match=what) as caught:
        check([replace(GOOD, **change)], [ALLOWED])

    assert "密" not in str(caught.value)


def test_an_answer_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="1 answers to 2 tickets"):
        check([GOOD], [ALLOWED, ALLOWED])
