"""Tickets of no unit: under which score of belonging a ticket is held back as one.

Which score a kind of answer is judged by was chosen by experiment on withheld units
(``bench.no_unit``, docs/BENCHMARKS.md).
"""

import numpy as np
from numpy.typing import NDArray

from classifier.belonging import BELONGING
from classifier.calibration import Floats
from classifier.manifest import NoUnit
from training.conformal import floor_of

REVIEW = 0.05
"""The share of tickets of learned units that may be held back as ``no_unit``, by default."""

SCORES = {"linear": "probability", "head": "probability", "names": "probability"}
"""What answers -> the score of belonging, by its name in ``classifier.belonging``."""


def find_no_unit(logits: Floats, temperature: float, score: str, review: float) -> NoUnit | None:
    """Return the threshold under which a share ``review`` of held-out tickets lies at most.

    Of new tickets like these it is at most ``review``, too, in expectation.

    Args:
        logits: (n, classes) of held-out answers, over all learned units.
        temperature: of the logits.
        score: its name in ``classifier.belonging``.
        review: from 0 to 1; 0 asks of no ticket whether it belongs to a unit.

    Returns:
        None where nothing is asked, or answers are too few for a threshold.
    """
    threshold = floor_of(BELONGING[score](logits, temperature), 1 - review) if review else None
    return None if threshold is None else NoUnit(score=score, threshold=threshold, review=review)


def belongs(no_unit: NoUnit | None, logits: Floats, temperature: float) -> NDArray[np.bool_]:
    """Return (n,) which answers are not held back as ``no_unit``."""
    if no_unit is None:
        return np.ones(len(logits), dtype=np.bool_)
    return BELONGING[no_unit.score](logits, temperature) >= no_unit.threshold
