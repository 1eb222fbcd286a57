"""Calibrates a version anew on tickets that people decided; nothing is trained.

One part of the tickets fits the temperature and the threshold of ``no_unit``, the other sets the
threshold of probabilities and the conformal sets, as at training (``held_out``). There the version
answers as it serves: units that were merged since count as one, and a ticket of a unit that it
never learned is a wrong answer wherever it is routed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import fit_temperature
from classifier.interface import Decision
from classifier.manifest import Calibration, ConformalSet
from classifier.raw_scores import RawScores, ScoringClassifier
from core.proportion import Interval, interval
from training.conformal import conformal_sets
from training.held_out import FIT_SHARE, Rows, calibration_of, representatives, split_groups
from training.near_duplicates import group_near_duplicates
from training.no_unit import SCORES, NoUnitRule
from training.samples import Sample

SEED = 42
"""Of the division, and of each group's representative."""

_UNLEARNED = -1


@dataclass(frozen=True, slots=True)
class Routing:
    """What a calibration does to the tickets that judge it.

    Parameters:
        threshold: answers with at least this probability are routed.
        tickets: how many judge.
        routed: how many of them no person would see.
        wrong: how many of these are answered wrong.
    """

    threshold: float
    tickets: int
    routed: int
    wrong: int

    @property
    def coverage(self) -> float:
        """Share of the tickets that are routed."""
        return self.routed / max(self.tickets, 1)

    @property
    def error(self) -> float | None:
        """Share of wrong answers among the routed; None where there are none."""
        return self.wrong / self.routed if self.routed else None

    @property
    def interval(self) -> Interval:
        """In which the error of tickets like these lies (``proportion.interval``)."""
        return interval(self.wrong, self.routed)


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A calibration for a version, beside the one by which it decided.

    Parameters:
        calibration: the new one.
        before: what the old one does to the tickets that set the new threshold.
        after: what the new one does to them.
        unlearned: how many of all tickets belong to a unit that the version never learned.
    """

    calibration: Calibration
    before: Routing
    after: Routing
    unlearned: int

    @property
    def needed(self) -> int | None:
        """How many tickets a promise needs at least, where these are too few for one."""
        needed = self.calibration.needed
        return None if needed is None else math.ceil(needed / (1 - FIT_SHARE))


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """Served answers to n tickets.

    Parameters:
        decisions: n of them.
        probability: (n,), of the answers.
        correct: (n,), which are right.
        routed: (n,), which are not held back.
    """

    decisions: Sequence[Decision]
    probability: NDArray[np.float64]
    correct: NDArray[np.bool_]
    routed: NDArray[np.bool_]

    def routing(self, threshold: float) -> Routing:
        """Return what becomes of them, none under a threshold being routed."""
        routed = self.routed & (self.probability >= threshold)
        wrong = int((routed & ~self.correct).sum())
        return Routing(threshold, len(self.decisions), int(routed.sum()), wrong)


def recalibrate(
    classifier: ScoringClassifier,
    samples: Sequence[Sample],
    allowed: frozenset[str],
    *,
    error_target: float,
    no_unit_review: float,
    seed: int = SEED,
) -> Recalibration:
    """Calibrate a loaded version anew; it decides by the new calibration from then on.

    Args:
        classifier: the version.
        samples: tickets that it did not learn, drawn by chance from the stream it answers.
        allowed: codes of the active units.
        error_target: share of wrong answers to accept among those routed, 0 to 1.
        no_unit_review: see ``no_unit.NoUnitRule``.
        seed: of the division and of each group's representative.

    Returns:
        The calibration; it holds all back where the tickets are too few for a promise (see
        ``Recalibration.needed``).
    """
    fitting, judging = _divide(samples, seed)
    raw = classifier.raw_scores([sample.text for sample in fitting])
    old, before = classifier.calibration, _ask(classifier, judging, allowed)
    classifier.recalibrate(_fit(raw, fitting, error_target, no_unit_review))
    answers = _ask(classifier, judging, allowed)
    found = _judge(answers, classifier.calibration)
    found = found.model_copy(update={"sets": _sets(answers, judging, raw)})
    classifier.recalibrate(found)
    return Recalibration(
        calibration=found,
        before=before.routing(old.threshold),
        after=answers.routing(found.threshold),
        unlearned=sum(sample.unit not in raw.units for sample in samples),
    )


def _divide(samples: Sequence[Sample], seed: int) -> tuple[list[Sample], list[Sample]]:
    """Return the tickets that fit and those that judge, one of each group of near-duplicates."""
    groups = group_near_duplicates([sample.text for sample in samples])
    fitting, judging = (
        [samples[row] for row in part[representatives(groups[part], seed)].tolist()]
        for part in split_groups(groups, FIT_SHARE, seed)
    )
    return fitting, judging


def _right_columns(raw: RawScores, samples: Sequence[Sample]) -> Rows:
    """Return (n,) the columns of the right units, ``_UNLEARNED`` where there is none.

    Of learned units that were merged into the right one it is the column with the best score.
    """
    columns: dict[str, list[int]] = {}
    for column, unit in enumerate(raw.units):
        columns.setdefault(unit, []).append(column)

    def right(row: int, unit: str) -> int:
        own = columns.get(unit)
        return max(own, key=lambda column: float(raw.logits[row, column])) if own else _UNLEARNED

    found = [right(row, sample.unit) for row, sample in enumerate(samples)]
    return np.array(found, dtype=np.int64)


def _fit(
    raw: RawScores, samples: Sequence[Sample], error_target: float, review: float
) -> Calibration:
    """Return a calibration with what some samples fit, under which no answer is doubtful."""
    labels = _right_columns(raw, samples)
    learned = labels != _UNLEARNED
    logits = raw.logits[learned]
    temperature = fit_temperature(logits, labels[learned])
    return Calibration(
        temperature=temperature,
        threshold=0.0,
        error_target=error_target,
        coverage=1.0,
        error=None,
        held_out=0,
        no_unit=NoUnitRule(SCORES[raw.given_by], review).find(logits, temperature),
    )


def _judge(answers: _Answers, fitted: Calibration) -> Calibration:
    """Return a calibration with the threshold that the answers to the other part give."""
    found = calibration_of(
        answers.probability,
        answers.correct,
        fitted.error_target,
        fitted.temperature,
        answers.routed,
    )
    return found.model_copy(update={"no_unit": fitted.no_unit})


def _ask(
    classifier: ScoringClassifier, samples: Sequence[Sample], allowed: frozenset[str]
) -> _Answers:
    """Have the version answer as it serves, each answer with the probabilities of all units."""
    texts = [sample.text for sample in samples]
    decisions = classifier.classify(texts, [allowed] * len(texts), top_k=len(allowed))
    pairs = zip(decisions, samples, strict=True)
    return _Answers(
        decisions,
        np.array([one.probability for one in decisions]),
        np.array([one.unit == sample.unit for one, sample in pairs], dtype=np.bool_),
        np.array([one.held_back is None for one in decisions], dtype=np.bool_),
    )


def _sets(answers: _Answers, samples: Sequence[Sample], raw: RawScores) -> tuple[ConformalSet, ...]:
    """Return the conformal sets, with the floors of units as they were learned."""
    units = sorted(set(raw.units))
    numbers = {unit: number for number, unit in enumerate(units)}
    pairs = zip(answers.decisions, samples, strict=True)
    right = np.array([dict(one.top_k).get(sample.unit, 0.0) for one, sample in pairs])
    labels = np.array([numbers.get(sample.unit, _UNLEARNED) for sample in samples])
    now = dict(zip(raw.codes, raw.units, strict=True))

    def as_learned(one: ConformalSet) -> ConformalSet:
        floors = {code: one.floors[unit] for code, unit in now.items() if unit in one.floors}
        return one.model_copy(update={"floors": floors})

    return tuple(as_learned(one) for one in conformal_sets(right, labels, units))
