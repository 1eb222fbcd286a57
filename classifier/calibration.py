"""Calibration: probabilities that mean what they say."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Floats = NDArray[np.float32] | NDArray[np.float64]

HOLD_ALL = 2.0
"""The threshold that no probability reaches."""

# Temperatures are looked for in this range: outside, the held-out answers are all right or noise.
_COLDEST, _HOTTEST = 0.02, 50.0


def softmax(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities, (n, classes), each row summing to 1."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Return the temperature that minimises the negative log-likelihood of held-out labels.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.

    Args:
        logits: (n, classes), of answers the model was not trained on.
        labels: (n,), class numbers.
    """
    if len(labels) == 0:
        return 1.0
    scores = np.asarray(logits, dtype=np.float64)
    scores = scores - scores.max(axis=1, keepdims=True)
    right = np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]

    def nll(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        log_sums = np.log(np.exp(scores / temperature).sum(axis=1))
        return float(np.mean(log_sums - right / temperature))

    # Convex in 1 / temperature, so it has one minimum in the logarithm too.
    bounds = (np.log(_COLDEST), np.log(_HOTTEST))
    return float(np.exp(minimize_scalar(nll, bounds=bounds, method="bounded").x))
