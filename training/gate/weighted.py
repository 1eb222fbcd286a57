"""Weighted gains and losses of a challenger, and a bound on what they come to.

A few heavy tickets are no normal distribution: where chance drew none that the challenger lost, an
interval made of variances takes that for certain. So gains and losses get the gamma bounds for
weighted counts, which reckon with one more ticket of the largest weight (Fay & Feuer, Statistics
in Medicine 16, 1997), joined as bounds of a difference (Zou & Donner, Statistics in Medicine 27,
2008).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma, norm

POWER = 0.9
"""The chance to find what a set can prove; the other checks take a part of the gate's 80 %."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weighted:
    """What a challenger gained, by groups of near-duplicates.

    Parameters:
        gains: (groups,) the weight that it gained, negative where it lost.
        total: the weight of all tickets.
        largest: the largest weight of a ticket.
    """

    gains: Floats
    total: float
    largest: float

    @property
    def gain(self) -> float:
        """The gain of accuracy."""
        return float(self.gains.sum()) / self.total

    def lower_bound(self, level: float) -> float:
        """Return the one-sided lower bound of the gain, wrong with a chance of ``level``."""
        gained, lost = self.gains[self.gains > 0], -self.gains[self.gains < 0]
        below = float(gained.sum()) - _lower(gained, level)
        above = _upper(lost, self.largest, level) - float(lost.sum())
        return self.gain - sqrt(below**2 + above**2) / self.total

    def provable(self, level: float) -> float:
        """Return the gain that would be found with a chance of ``POWER``."""
        error = sqrt(max(float((self.gains**2).sum()), self.largest**2)) / self.total
        return self.gain - self.lower_bound(level) + float(norm.ppf(POWER)) * error


def _lower(weights: Floats, level: float) -> float:
    total = float(weights.sum())
    return _quantile(level, total, float((weights**2).sum())) if total else 0.0


def _upper(weights: Floats, largest: float, level: float) -> float:
    variance = float((weights**2).sum()) + largest**2
    return _quantile(1 - level, float(weights.sum()) + largest, variance)


def _quantile(share: float, mean: float, variance: float) -> float:
    return float(gamma.ppf(share, mean**2 / variance, scale=variance / mean))
