"""What held-out answers say of a model: its threshold, and how good it is."""

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import Floats, fit_temperature, softmax, threshold_for_error
from classifier.interface import PROBABILITY_DECIMALS
from classifier.manifest import Calibration


def calibrate(logits: Floats, labels: NDArray[np.int64], error_target: float) -> Calibration:
    """Set temperature and threshold from held-out answers.

    Args:
        logits: (n, classes).
        labels: (n,), class numbers.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
    """
    temperature = fit_temperature(logits, labels)
    # Rounded as serving rounds: the threshold is compared with such probabilities.
    probability = softmax(logits, temperature).max(axis=1).round(PROBABILITY_DECIMALS)
    return calibration_of(probability, logits.argmax(axis=1) == labels, error_target, temperature)


def calibration_of(
    probability: NDArray[np.float64],
    correct: NDArray[np.bool_],
    error_target: float,
    temperature: float = 1.0,
) -> Calibration:
    """Set the threshold from answers whose probabilities are known.

    Args:
        probability: (n,), rounded as serving rounds.
        correct: (n,), whether each answer was right.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        temperature: by which the logits were divided.
    """
    found = threshold_for_error(probability, correct, error_target)
    return Calibration(
        temperature=temperature,
        threshold=found.threshold,
        error_target=error_target,
        coverage=found.coverage,
        error=found.error,
        held_out=len(correct),
    )


def measure(logits: Floats, labels: NDArray[np.int64]) -> dict[str, float | None]:
    """Return accuracy and macro-F1 of held-out answers, None where there are none."""
    from sklearn.metrics import f1_score  # here: a constant model is calibrated without it

    if len(labels) == 0:
        return {"accuracy": None, "macro_f1": None}
    answers = logits.argmax(axis=1)
    macro_f1 = f1_score(labels, answers, average="macro", zero_division=0)
    return {"accuracy": float((answers == labels).mean()), "macro_f1": float(macro_f1)}
