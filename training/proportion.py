"""How sure a counted share is: exact binomial bounds (Clopper & Pearson, Biometrika 1934)."""

from scipy.stats import beta

Interval = tuple[float, float]

CONFIDENCE = 0.95
"""Of the intervals around what was measured."""


def interval(hits: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the two-sided confidence interval of a share, of which ``hits`` of ``trials`` came."""
    either = (1 + confidence) / 2
    return 1 - upper_bound(trials - hits, trials, either), upper_bound(hits, trials, either)


def upper_bound(hits: int, trials: int, confidence: float) -> float:
    """Return the one-sided upper confidence bound of a share."""
    return 1.0 if hits >= trials else float(beta.ppf(confidence, hits + 1, trials - hits))
