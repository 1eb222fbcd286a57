"""Whether each unit fares no worse, whatever the others gain.

For each unit an exact test of McNemar asks whether the challenger loses more of its tickets than it
gains; units with few tickets are pooled. Holm's correction ("A simple sequentially rejective
multiple test procedure", Scandinavian Journal of Statistics 6, 1979) keeps the chance of a false
alarm over all units at 5 %.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue
from scipy.stats import binomtest

from training.gate.answers import Answers
from training.gate.tickets import JudgedTicket, group_numbers, right_units
from training.gate.verdict import Finding
from training.held_out import representatives

LEAST_TICKETS = 20
"""Distinct frozen tickets from which on a unit is tested by itself."""
LEVEL = 0.05

_SEED = 42


@dataclass(frozen=True, slots=True)
class UnitPairs:
    """How the tickets of a unit, or of a pool of units, fare.

    Parameters:
        unit: its code; None for all units with fewer than ``LEAST_TICKETS``.
        tickets: distinct ones.
        gained: right by the challenger alone.
        lost: right by the champion alone.
        instead: the unit that most of the lost ones get now, and how many.
    """

    unit: str | None
    tickets: int
    gained: int
    lost: int
    instead: tuple[str, int] | None

    @property
    def p(self) -> float:
        """The chance of so many losses, were the two equal."""
        if not self.lost:
            return 1.0
        return float(binomtest(self.lost, self.lost + self.gained, alternative="greater").pvalue)

    def __str__(self) -> str:
        """Return how they fare, for people."""
        few = f"all units with fewer than {LEAST_TICKETS} tickets together"
        name = few if self.unit is None else f"unit {self.unit}"
        text = (
            f"{name}: of {self.tickets:,} distinct frozen tickets the challenger gains "
            f"{self.gained:,} and loses {self.lost:,} (p = {self.p:.1g})"
        )
        if self.instead:
            text += f", {self.instead[1]:,} of these to unit {self.instead[0]}"
        return text


def check_units(tickets: Sequence[JudgedTicket], challenger: Answers, champion: Answers) -> Finding:
    """Find whether any unit fares worse beyond chance; it is named.

    Args:
        tickets: n frozen ones.
        challenger: its answers to them.
        champion: the champion's.
    """
    parts = _parts(tickets, challenger, champion)
    rejected = holm([part.p for part in parts])
    worse = [part for part, falls in zip(parts, rejected, strict=True) if falls]
    tested = f"{len(parts):,} units and pools, exact tests, Holm-corrected at {LEVEL:.0%}"
    text = "; ".join(map(str, worse)) if worse else "no unit fares worse beyond chance"
    facts: dict[str, JsonValue] = {
        "units": len(parts),
        "worse": [{"unit": one.unit, "lost": one.lost, "gained": one.gained} for one in worse],
    }
    return Finding("units", passed=not worse, text=f"{text} ({tested})", facts=facts)


def holm(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Return which hypotheses Holm's procedure rejects."""
    rejected = [False] * len(p_values)
    for rank, row in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[row] > level / (len(p_values) - rank):
            break
        rejected[row] = True
    return rejected


def _parts(
    tickets: Sequence[JudgedTicket], challenger: Answers, champion: Answers
) -> list[UnitPairs]:
    rows = representatives(group_numbers(tickets), _SEED)
    right = right_units(tickets)[rows]
    answers = challenger.units[rows]
    mine, other = answers == right, champion.units[rows] == right
    counts = Counter(right.tolist())
    large = [unit for unit, count in sorted(counts.items()) if count >= LEAST_TICKETS]
    small = ~np.isin(right, large)
    parts: list[tuple[str | None, NDArray[np.bool_]]] = [(unit, right == unit) for unit in large]
    if small.any():
        parts.append((None, small))
    return [_pairs(unit, answers[of], mine[of], other[of]) for unit, of in parts]


def _pairs(
    unit: str | None, answers: NDArray[np.str_], mine: NDArray[np.bool_], other: NDArray[np.bool_]
) -> UnitPairs:
    lost = other & ~mine
    instead = Counter(answers[lost].tolist()).most_common(1)
    return UnitPairs(
        unit,
        tickets=len(answers),
        gained=int(np.sum(mine & ~other)),
        lost=int(lost.sum()),
        instead=instead[0] if instead else None,
    )
