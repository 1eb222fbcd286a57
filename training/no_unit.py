"""Tickets of no unit: under which score of belonging a ticket is held back as one.

Which score a kind of answer is judged by was chosen by experiment on withheld units
(``bench.no_unit``, docs/BENCHMARKS.md).
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from classifier.belonging import BELONGING
from classifier.calibration import Floats
from classifier.manifest import NoUnit
from training.conformal import floor_of

REVIEW = 0.05
"""The share of tickets of learned units that may be held back as ``no_unit``, by default."""

SCORES = {"linear": "probability", "head": "logit", "names": "probability"}
"""What answers -> the score of belonging, by its name in ``classifier.belonging``."""


@dataclass(frozen=True, slots=True, eq=False)
class NoUnitRule:
    """How a version is to tell that a ticket belongs to no unit.

    Parameters:
        score: of belonging, by its name in ``classifier.belonging``.
        review: share of tickets of learned units that may be held back, 0 to 1; 0 for never.
        columns: of the logits: the classes with samples, which alone are asked; None for all.
    """

    score: str
    review: float = REVIEW
    columns: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, answer: str, review: float, codes: Sequence[str], taught: Container[str]) -> Self:
        """Return the rule for a kind of answer.

        Args:
            answer: a key of ``SCORES``.
            review: see the class.
            codes: of the classes, in their order.
            taught: codes of those with samples.
        """
        columns = [number for number, code in enumerate(codes) if code in taught]
        return cls(SCORES[answer], review, np.array(columns, dtype=np.int64))

    def find(self, logits: Floats, temperature: float) -> NoUnit | None:
        """Return the threshold under which at most a share ``review`` of new tickets lies.

        At most that share of the held-out tickets lies under it, and of new tickets like them in
        expectation.

        Args:
            logits: (n, classes) of held-out answers, no two of which are near-duplicates.
            temperature: of the logits.

        Returns:
            None where nothing is asked, or answers are too few for a threshold.
        """
        threshold = floor_of(self._values(logits, temperature), 1 - self.review)
        if threshold is None:
            return None
        return NoUnit(score=self.score, threshold=threshold, review=self.review)

    def belongs(
        self, no_unit: NoUnit | None, logits: Floats, temperature: float
    ) -> NDArray[np.bool_]:
        """Return (n,) which answers are not held back as ``no_unit``."""
        if no_unit is None:
            return np.ones(len(logits), dtype=np.bool_)
        return self._values(logits, temperature) >= no_unit.threshold

    def _values(self, logits: Floats, temperature: float) -> NDArray[np.float64]:
        taught = logits if self.columns is None else logits[:, self.columns]
        return BELONGING[self.score](taught, temperature)
