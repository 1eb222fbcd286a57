"""A model's answers, checked before they reach the database."""

import math
from collections.abc import Sequence
from typing import get_args

from classifier.interface import Batch, Decision, HeldBack
from db.claims import Claim
from db.results import Result


def to_results(claim: Claim, batch: Batch, decisions: Sequence[Decision]) -> list[Result]:
    """Return a model's answers as they are stored.

    Raises:
        ValueError: an answer cannot be stored (see ``check``).
    """
    check(decisions, batch.allowed)
    return [
        Result(
            ticket_id=ticket.id,
            round=ticket.round,
            unit=decision.unit,
            probability=decision.probability,
            top_k=decision.top_k,
            held_back=decision.held_back,
            sets=decision.sets,
        )
        for ticket, decision in zip(claim.tickets, decisions, strict=True)
    ]


def check(decisions: Sequence[Decision], allowed: Sequence[frozenset[str]]) -> None:
    """Refuse answers that cannot be stored.

    Raises:
        ValueError: the counts differ, a unit is not allowed, a probability is no finite number, or
            the reason to hold an answer back is unknown. The message quotes no value.
    """
    if len(decisions) != len(allowed):
        raise ValueError(f"{len(decisions)} answers to {len(allowed)} tickets")
    for decision, units in zip(decisions, allowed, strict=True):
        in_sets = (unit for _, codes in decision.sets for unit in codes)
        if not units.issuperset((decision.unit, *(unit for unit, _ in decision.top_k), *in_sets)):
            raise ValueError("an answer is no allowed unit")
        numbers = decision.probability, *(p for _, p in decision.top_k)
        if not all(map(_is_number, (*numbers, *(level for level, _ in decision.sets)))):
            raise ValueError("a probability is no finite number")
        if decision.held_back not in (None, *get_args(HeldBack)):
            raise ValueError("an unknown reason to hold an answer back")


def _is_number(value: object) -> bool:
    """Whether both databases store a value as a number, in a column and in JSON."""
    return isinstance(value, float | int) and math.isfinite(value)
