"""Whether a challenger is no worse than another version on the same frozen tickets.

The interval is Newcombe's for paired proportions: "Improved confidence intervals for the difference
between binomial proportions based on paired data", Statistics in Medicine 17, 1998, method 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from scipy.stats import norm

from training.gate.answers import Answers
from training.gate.tickets import JudgedTicket, group_numbers, right_units
from training.gate.verdict import Finding
from training.held_out import representatives

CONFIDENCE = 0.95
"""Of the lower bound, one-sided."""
POWER = 0.8
"""The chance that a loss as large as the margin is found, and that an equal version passes."""
DISAGREEMENT = 0.1
"""The share of tickets that just one of two versions answers right, as the margin expects it."""
LARGEST_MARGIN = 0.05
"""A set too small for this margin proves nothing worth knowing."""

_SEED = 42
_REACH = float(norm.ppf(CONFIDENCE) + norm.ppf(POWER))  # standard errors


@dataclass(frozen=True, slots=True)
class Pairs:
    """How two versions answered the same tickets.

    Parameters:
        both: right by both.
        gained: right by the challenger alone.
        lost: right by the other alone.
        neither: wrong by both.
    """

    both: int
    gained: int
    lost: int
    neither: int

    @property
    def n(self) -> int:
        """All tickets."""
        return self.both + self.gained + self.lost + self.neither

    @property
    def difference(self) -> float:
        """The challenger's accuracy less the other's."""
        return (self.gained - self.lost) / self.n

    def lower_bound(self, confidence: float = CONFIDENCE) -> float:
        """Return the one-sided lower confidence bound of the difference."""
        z = float(norm.ppf(confidence))
        mine, other = self.both + self.gained, self.both + self.lost
        below = mine / self.n - _wilson(mine, self.n, -z)
        above = _wilson(other, self.n, z) - other / self.n
        shared = 2 * self._correlation() * below * above
        return self.difference - sqrt(max(0.0, below**2 - shared + above**2))

    def _correlation(self) -> float:
        product = self.both * self.neither - self.gained * self.lost
        # Newcombe's continuity correction: positive ones are taken for smaller.
        corrected = max(product - self.n / 2, 0.0) if product > 0 else product
        mine, other = self.both + self.gained, self.both + self.lost
        spread = mine * (self.n - mine) * other * (self.n - other)
        return corrected / sqrt(spread) if spread else 0.0


def _wilson(hits: int, trials: int, z: float) -> float:
    """Return Wilson's score bound of a share (1927), the lower one where z is negative."""
    centre = hits + z * z / 2
    half = z * sqrt(hits * (trials - hits) / trials + z * z / 4)
    return (centre + half) / (trials + z * z)


def margin(n: int) -> float:
    """Return the largest loss of accuracy that n distinct tickets let pass for none.

    A version that loses as much passes in one of 20 cases; an equal one passes in four of five or
    more, where the two disagree as ``DISAGREEMENT`` expects.
    """
    return _REACH * sqrt(DISAGREEMENT / n)


def tickets_needed(largest: float = LARGEST_MARGIN) -> int:
    """Return how many distinct tickets a margin needs."""
    return ceil(_REACH**2 * DISAGREEMENT / largest**2)


def check_no_worse(
    tickets: Sequence[JudgedTicket],
    challenger: Answers,
    other: Answers,
    *,
    check: str,
    name: str,
) -> Finding:
    """Find whether the challenger is no worse than another version, within the margin.

    A group of near-duplicates counts once, by a ticket that is drawn without regard to answers.

    Args:
        tickets: n frozen ones that neither has learned.
        challenger: its answers to them.
        other: the other version's.
        check: the finding's name.
        name: the other version's, for people.
    """
    pairs = count_pairs(tickets, challenger, other)
    needed = tickets_needed()
    if pairs.n >= needed:
        return _compare(pairs, check, name)
    return Finding(
        check,
        passed=False,
        text=f"{pairs.n:,} distinct frozen tickets cannot show a version no worse than {name}",
        cure=f"decide {needed - pairs.n:,} more for the frozen set, which makes {needed:,}",
        facts={"tickets": pairs.n, "needed": needed},
    )


def count_pairs(tickets: Sequence[JudgedTicket], challenger: Answers, other: Answers) -> Pairs:
    """Return how two versions answered n tickets, each group of near-duplicates counted once."""
    rows = representatives(group_numbers(tickets), _SEED)
    right = right_units(tickets)[rows]
    mine, theirs = challenger.units[rows] == right, other.units[rows] == right
    return Pairs(
        both=int(np.sum(mine & theirs)),
        gained=int(np.sum(mine & ~theirs)),
        lost=int(np.sum(~mine & theirs)),
        neither=int(np.sum(~mine & ~theirs)),
    )


def _compare(pairs: Pairs, check: str, name: str) -> Finding:
    bound, allowed = pairs.lower_bound(), margin(pairs.n)
    error = sqrt(max(1, pairs.gained + pairs.lost)) / pairs.n
    proves = pairs.difference - bound + float(norm.ppf(POWER)) * error
    passed = bound > -allowed
    text = (
        f"on {pairs.n:,} distinct frozen tickets the challenger answers "
        f"{(pairs.both + pairs.gained) / pairs.n:.1%} right and {name} "
        f"{(pairs.both + pairs.lost) / pairs.n:.1%} ({pairs.gained:,} gained, {pairs.lost:,} "
        f"lost): with {CONFIDENCE:.0%} confidence the difference is over {100 * bound:+.1f} "
        f"points, and the margin of so many tickets is {-100 * allowed:+.1f} points; a loss of "
        f"{100 * proves:.1f} points would be found in four of five cases"
    )
    cure = ""
    if not passed and pairs.difference > -allowed:
        cure = "the measured difference is within the margin: more frozen tickets would tell"
    facts = {
        "tickets": pairs.n,
        "both": pairs.both,
        "gained": pairs.gained,
        "lost": pairs.lost,
        "neither": pairs.neither,
        "lower_bound": bound,
        "margin": allowed,
        "provable_loss": proves,
    }
    return Finding(check, passed, text, cure, facts)
