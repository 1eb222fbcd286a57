"""Conformal sets: which units to show so that the right one is among them nine times of ten.

A unit is in the set where its probability is at least its floor. Split conformal prediction sets
the floors on held-out answers from which nothing else was chosen (Sadinle, Lei & Wasserman, "Least
Ambiguous Set-Valued Classifiers with Bounded Error Levels", JASA 2019; Vovk, "Conditional Validity
of Inductive Conformal Predictors", ACML 2012, for a floor of each unit's own).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.manifest import ConformalSet

LEVELS = (0.9, 0.95)
"""Shares of tickets whose right unit is in the set."""

# A floor of few answers gives sets that hold the right unit more often than asked for, by up to
# 1 / (answers + 1): a unit whose own floor would give away more than this goes without.
_SURPLUS = 0.01
# The lowest or second lowest of a unit's tickets may be mislabelled: as a floor it would put the
# unit into nearly every set.
_LOWEST_RANK = 3
_ROUNDING = 1e-9  # of (n + 1)(1 - level), which may be a whole number

Probabilities = NDArray[np.float64]


def conformal_sets(
    right: Probabilities,
    labels: NDArray[np.int64],
    codes: Sequence[str],
    levels: Iterable[float] = LEVELS,
) -> tuple[ConformalSet, ...]:
    """Return the sets of each level for which the held-out answers suffice.

    A unit has a floor of its own where its own answers suffice. All others share one, set by their
    answers, or by everybody's where theirs do not suffice.

    Args:
        right: (n,) probabilities of the right units, rounded as serving rounds, of answers that
            chose nothing else, one of each group of near-duplicates.
        labels: (n,) numbers of the right units.
        codes: of all units, by number.
        levels: from 0 to 1.
    """
    found = (_conformal_set(right, labels, codes, level) for level in levels)
    return tuple(one for one in found if one is not None)


def floor_of(right: Probabilities, level: float) -> float | None:
    """Return the floor above which a share ``level`` of right units lies, None for too few answers.

    In expectation over held-out answers, a new answer's right unit is at or above the floor with a
    probability from ``level`` to ``level`` + 1 / (n + 1).

    Args:
        right: (n,) probabilities of the right units.
        level: from 0 to 1.
    """
    rank = _rank(len(right), level)
    return float(np.partition(right, rank - 1)[rank - 1]) if rank else None


def _rank(answers: int, level: float) -> int:
    """Return which of the answers, by ascending probability, is the floor; 0 where none is."""
    return int((answers + 1) * (1 - level) + _ROUNDING)


def _conformal_set(
    right: Probabilities, labels: NDArray[np.int64], codes: Sequence[str], level: float
) -> ConformalSet | None:
    marginal = floor_of(right, level)
    if marginal is None:
        return None
    floors: dict[str, float] = {}
    is_rest = np.ones(len(right), dtype=np.bool_)
    for number, code in enumerate(codes):
        own = labels == number
        if (floor := _own_floor(right[own], level)) is not None:
            floors[code] = floor
            is_rest &= ~own
    shared = floor_of(right[is_rest], level)
    return ConformalSet(level=level, floor=marginal if shared is None else shared, floors=floors)


def _own_floor(right: Probabilities, level: float) -> float | None:
    """Return a unit's own floor; None where its answers are too few, or give away too much."""
    rank = _rank(len(right), level)
    surplus = 1 - level - rank / (len(right) + 1)
    return floor_of(right, level) if rank >= _LOWEST_RANK and surplus <= _SURPLUS else None
