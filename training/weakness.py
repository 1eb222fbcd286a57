"""Whether a model is too weak to answer tickets, said in a line for people."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.paired import paired_interval

Right = NDArray[np.bool_]


def below_commonest(right: Right, units: Sequence[str], known: Sequence[str]) -> str | None:
    """Return what to say of a model that is no better than always naming the commonest unit.

    Args:
        right: (n,) whether the model answered each held-out ticket right.
        units: the right units of these n.
        known: the units of the samples that were learned; their commonest is compared with.
    """
    if len(right) == 0 or not known:
        return None
    counts = Counter(known)
    commonest = min(counts, key=lambda code: (-counts[code], code))
    by_it = units.count(commonest) / len(units)
    if right.mean() > by_it:
        return None
    return (
        f"it answers {right.mean():.1%} of {len(right):,} held-out tickets right, and always "
        f"naming the commonest unit, {commonest}, {by_it:.1%}"
    )


def below_linear(right: Right, by_linear: Right, groups: NDArray[np.int64]) -> str | None:
    """Return what to say of a model that a linear one beats beyond chance.

    Args:
        right: (n,) whether the model answered each held-out ticket right.
        by_linear: (n,) whether a linear model, which learned the same samples, did.
        groups: (n,) group numbers of near-duplicates.
    """
    if len(right) == 0:
        return None
    gained = by_linear.astype(np.float64) - right
    low, high = paired_interval(gained, groups)
    if low <= 0:
        return None
    return (
        f"it answers {right.mean():.1%} of {len(right):,} held-out tickets right, and a linear "
        f"model that learned the same samples {by_linear.mean():.1%} (95 % interval of the "
        f"difference: {low:.1%} to {high:.1%})"
    )
