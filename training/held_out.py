"""What held-out answers say of a model: its threshold, and how good it is."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from classifier.calibration import Floats, softmax, threshold_for_error
from classifier.interface import PROBABILITY_DECIMALS
from classifier.manifest import Calibration


def calibrate(
    logits: Floats, labels: NDArray[np.int64], temperature: float, error_target: float
) -> Calibration:
    """Set the threshold from held-out answers.

    Args:
        logits: (n, classes).
        labels: (n,), class numbers.
        temperature: from ``fit_temperature``.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
    """
    # Rounded as serving rounds: the threshold is compared with such probabilities.
    probability = softmax(logits, temperature).max(axis=1).round(PROBABILITY_DECIMALS)
    threshold = threshold_for_error(probability, logits.argmax(axis=1) == labels, error_target)
    return Calibration(
        temperature=temperature,
        threshold=threshold.threshold,
        error_target=error_target,
        coverage=threshold.coverage,
        error=threshold.error,
        held_out=len(labels),
    )


def measure(logits: Floats, labels: NDArray[np.int64]) -> dict[str, float | None]:
    """Return accuracy and macro-F1 of held-out answers, None where there are none."""
    if len(labels) == 0:
        return {"accuracy": None, "macro_f1": None}
    answers = logits.argmax(axis=1)
    macro_f1 = f1_score(labels, answers, average="macro", zero_division=0)
    return {"accuracy": float((answers == labels).mean()), "macro_f1": float(macro_f1)}
