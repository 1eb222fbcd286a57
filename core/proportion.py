"""How sure a counted share is: exact binomial bounds (Clopper & Pearson, Biometrika 1934).

In plain Python: what only counts tickets runs where no scipy is.
"""

import math

Interval = tuple[float, float]

CONFIDENCE = 0.95
"""Of the intervals around what was measured."""
_PRECISION = 1e-12
_TINY = 1e-300
_STEPS = 10_000


def interval(hits: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the two-sided confidence interval of a share, of which ``hits`` of ``trials`` came.

    It holds the true share at least as often as told, for few trials and rare hits too. Of no
    trials it is (0, 1).
    """
    either = (1 + confidence) / 2
    return 1 - upper_bound(trials - hits, trials, either), upper_bound(hits, trials, either)


def upper_bound(hits: int, trials: int, confidence: float) -> float:
    """Return the one-sided upper confidence bound of a share.

    It is the share at which so few hits are as rare as 1 - ``confidence``.
    """
    if hits >= trials:
        return 1.0
    low, high = hits / trials, 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if _at_least(hits + 1, trials, middle) < confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_least(hits: int, trials: int, share: float) -> float:
    """Return how probable so many hits or more are: the regularised incomplete beta function."""
    a, b = hits, trials - hits + 1
    if share <= 0 or share >= 1:
        return float(share >= 1)
    log_front = (
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(share)
        + b * math.log1p(-share)
    )
    front = math.exp(log_front)
    # The fraction converges fast on this side of the mean; the other side is its mirror.
    if share < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, share) / a
    return 1 - front * _fraction(b, a, 1 - share) / b


def _fraction(a: int, b: int, share: float) -> float:
    """Return the beta function's continued fraction, by Lentz (Numerical Recipes, §6.4)."""
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * share / (a + 1))
    value = d
    for step in range(1, _STEPS):
        even = step * (b - step) * share / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * share / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
