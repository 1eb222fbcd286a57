"""Scores of belonging: how much a ticket looks like those of any learned unit.

The higher, the more at home; under a version's threshold the ticket seems to belong to no unit. The
scores are taken over all learned units, not over the allowed ones: whether a ticket is at home here
does not depend on which units refused it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import Floats, softmax

Belonging = Callable[[Floats, float], NDArray[np.float64]]
"""Returns (n,) scores of (n, units) logits and their temperature."""


def highest_probability(logits: Floats, temperature: float) -> NDArray[np.float64]:
    """Return the highest probability of each row, (n,).

    Hendrycks & Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples",
    ICLR 2017.
    """
    return np.asarray(softmax(logits, temperature).max(axis=1))


def highest_logit(logits: Floats, temperature: float) -> NDArray[np.float64]:
    """Return the highest logit of each row, (n,); the temperature plays no part.

    Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", ICML 2022.
    """
    del temperature
    return np.asarray(np.asarray(logits, dtype=np.float64).max(axis=1))


def energy(logits: Floats, temperature: float) -> NDArray[np.float64]:
    """Return the log of each row's summed exponentials, (n,): the negative free energy.

    Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020. Of the log-probabilities
    of names it is the log of what all names weigh together. The temperature plays no part.
    """
    del temperature
    return np.asarray(np.logaddexp.reduce(np.asarray(logits, dtype=np.float64), axis=1))


BELONGING: dict[str, Belonging] = {
    "probability": highest_probability,
    "logit": highest_logit,
    "energy": energy,
}
"""The scores a calibration may name (``NoUnit.score``)."""
