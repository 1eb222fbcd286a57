"""What two versions are compared by: figures of answers, of which any may be drawn repeatedly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation import CALIBRATION_BINS, Answered
from training.paired import bootstrap_intervals

Weights = NDArray[np.float64]

NAMES = ("accuracy", "macro F1", "calibration error", "coverage", "error of routed")
"""In the order of ``Figures.of``: the last two are at the version's own threshold."""
BETTER = (1, 1, -1, 1, -1)
"""1 where more is better."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of two versions.

    Parameters:
        name: one of ``NAMES``.
        first: of the first version; None where it is not defined, as the error of no answer.
        second: of the second.
        difference: of the second from the first; None where either is not defined.
        interval: its 95 % interval; None likewise.
    """

    name: str
    first: float | None
    second: float | None
    difference: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Figures:
    """A version's answers as arrays.

    Parameters:
        correct: (n,) whether each answer is right.
        accepted: (n,) whether nothing held it back.
        probability: (n,).
        gold: (n,) numbers of the right units among ``units``.
        answers: (n,) of the answered ones; -1 for none.
        units: how many there are.
    """

    correct: NDArray[np.bool_]
    accepted: NDArray[np.bool_]
    probability: NDArray[np.float64]
    gold: NDArray[np.int64]
    answers: NDArray[np.int64]
    units: int

    @classmethod
    def of_answers(cls, answered: Answered) -> "Figures":
        """Return a version's answers as arrays."""
        numbers = {code: number for number, code in enumerate(answered.labels)}
        return cls(
            correct=answered.correct,
            accepted=answered.accepted,
            probability=answered.probability,
            gold=np.array([numbers[code] for code in answered.gold]),
            answers=np.array([numbers.get(code, -1) for code in answered.units]),
            units=len(numbers),
        )

    def of(self, weights: Weights) -> NDArray[np.float64]:
        """Return the measures of ``NAMES``, each ticket counted so often; NaN if not defined."""
        total, routed = weights.sum(), weights[self.accepted].sum()
        wrong = weights[self.accepted & ~self.correct].sum()
        return np.array(
            [
                weights[self.correct].sum() / total,
                self._macro_f1(weights),
                self._calibration_error(weights),
                routed / total,
                wrong / routed if routed else np.nan,
            ]
        )

    def _macro_f1(self, weights: Weights) -> float:
        """Return the mean F1 of the units that are right or were answered."""
        given = self.answers >= 0
        right = np.bincount(
            self.gold[self.correct], weights=weights[self.correct], minlength=self.units
        )
        support = np.bincount(self.gold, weights=weights, minlength=self.units)
        answered = np.bincount(self.answers[given], weights=weights[given], minlength=self.units)
        both = support + answered
        there = both > 0
        return float((2 * right[there] / both[there]).mean())

    def _calibration_error(self, weights: Weights) -> float:
        """Return ``evaluation.expected_calibration_error``, each ticket counted so often."""
        places = np.ceil(self.probability * CALIBRATION_BINS).astype(np.int64) - 1
        places = np.clip(places, 0, CALIBRATION_BINS - 1)
        gaps = np.bincount(places, weights=weights * (self.probability - self.correct))
        return float(np.abs(gaps).sum() / weights.sum())


def differences(
    first: Answered, second: Answered, groups: NDArray[np.int64], seed: int = 42
) -> list[Difference]:
    """Return the measures of two versions' answers to the same n tickets, in ``NAMES``' order.

    Args:
        first: a version's answers.
        second: another's.
        groups: (n,) group numbers of near-duplicates, which are drawn together.
        seed: of the draws.
    """
    a, b = Figures.of_answers(first), Figures.of_answers(second)
    intervals = bootstrap_intervals(lambda weights: b.of(weights) - a.of(weights), groups, seed)
    once = np.ones(len(groups))
    rows = zip(NAMES, a.of(once).tolist(), b.of(once).tolist(), intervals.tolist(), strict=True)
    return [_difference(name, one, other, (low, high)) for name, one, other, (low, high) in rows]


def _difference(
    name: str, first: float, second: float, interval: tuple[float, float]
) -> Difference:
    one, other = (None if np.isnan(value) else value for value in (first, second))
    if one is None or other is None:
        return Difference(name, one, other, None, None)
    return Difference(name, one, other, other - one, interval)
