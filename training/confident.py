"""Confident learning: which given labels are likely wrong, by probabilities of held-out answers.

Northcutt, Jiang & Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70,
2021. A class' threshold is the mean probability of the class among the samples that are labelled
so. A sample that reaches another class' threshold and none of its own is counted as that class:
those are the off-diagonals of the confident joint.
"""

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import Floats

Labels = NDArray[np.int64]

# As cleanlab compares: a probability that equals the threshold but for rounding reaches it.
_ROUNDING = 1e-6


def thresholds(probabilities: Floats, labels: Labels) -> NDArray[np.float64]:
    """Return (classes,) mean probability of each class among its own; 1 for a class of none.

    Args:
        probabilities: (n, classes) of held-out answers.
        labels: (n,) class numbers as they were given.
    """
    classes = probabilities.shape[1]
    sizes = np.bincount(labels, minlength=classes)
    own = np.bincount(labels, self_confidence(probabilities, labels), minlength=classes)
    found: NDArray[np.float64] = np.where(sizes > 0, own / np.maximum(sizes, 1), 1.0)
    return found


def confident_classes(probabilities: Floats, labels: Labels) -> Labels:
    """Return (n,) the class of which each sample confidently is; -1 where it is of none.

    Where several thresholds are reached it is the most probable class.
    """
    reached = probabilities >= thresholds(probabilities, labels) - _ROUNDING
    found = np.where(reached.sum(axis=1) > 1, probabilities.argmax(axis=1), reached.argmax(axis=1))
    return np.where(reached.any(axis=1), found, -1).astype(np.int64)


def self_confidence(probabilities: Floats, labels: Labels) -> NDArray[np.float64]:
    """Return (n,) the probability of each given label: the lower, the more suspect."""
    own: NDArray[np.float64] = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return own


def normalised_margin(probabilities: Floats, labels: Labels) -> NDArray[np.float64]:
    """Return (n,) by how much each given label is more probable than the best other, -1 to 1."""
    others = probabilities.astype(np.float64)
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    margins: NDArray[np.float64] = self_confidence(probabilities, labels) - others.max(axis=1)
    return margins
