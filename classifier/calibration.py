"""Calibration: probabilities that mean what they say."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

Floats = NDArray[np.float32] | NDArray[np.float64]

HOLD_ALL = 2.0
"""The threshold that no probability reaches."""

# Temperatures are looked for in this range: outside, the held-out answers are all right or noise.
_LOG_RANGE = (float(np.log(0.02)), float(np.log(50.0)))
_PRIOR_STD = 0.5


def softmax(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities, (n, classes), each row summing to 1."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Return the most probable temperature, given held-out labels.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2, take the one
    that minimises the negative log-likelihood. Where all of a few answers are right, that is the
    lowest there is, and the next wrong answer would count as impossible. So its logarithm has a
    normal prior here, around the temperature at which the mean probability of an answer is the
    share of right ones, by Laplace's rule of succession. It weighs no more than a label.

    Args:
        logits: (n, classes), of answers the model was not trained on.
        labels: (n,), class numbers.
    """
    if len(labels) == 0:
        return 1.0
    scores = np.asarray(logits, dtype=np.float64)
    scores = scores - scores.max(axis=1, keepdims=True)
    right = np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
    centre = _as_sure_as_right(scores, (right == 0).sum())

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        log_sums = np.log(np.exp(scores / temperature).sum(axis=1))
        prior = ((log_temperature - centre) / _PRIOR_STD) ** 2 / 2 / len(labels)
        return float(np.mean(log_sums - right / temperature) + prior)

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_RANGE, method="bounded").x))


def _as_sure_as_right(scores: NDArray[np.float64], right: int) -> float:
    """Return the logarithm of the temperature at which answers are as sure as they are right.

    Args:
        scores: (n, classes), each row's highest 0.
        right: how many of the n answers are.
    """
    wanted = (right + 1) / (len(scores) + 2)

    def excess(log_temperature: float) -> float:
        return float(np.mean(1 / np.exp(scores / np.exp(log_temperature)).sum(axis=1)) - wanted)

    coldest, hottest = _LOG_RANGE
    if excess(coldest) <= 0:
        return coldest
    return hottest if excess(hottest) >= 0 else float(brentq(excess, coldest, hottest))
