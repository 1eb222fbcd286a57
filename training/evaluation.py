"""Measures a classifier on labelled tickets that it was not trained on."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from classifier.interface import Batch, Classifier, Decision, classify_batches
from core.errors import InputError
from core.proportion import Interval, interval
from training.risk_coverage import RiskCoverage, risk_coverage
from training.samples import Sample

CALIBRATION_BINS = 15

_UNANSWERED = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1, each 0 where it is not defined."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class UnitScores:
    """A unit's scores and how many samples it truly has (support)."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Report:
    """What ``evaluate`` measured.

    Parameters:
        version: the model version.
        n: number of samples.
        accuracy: share of right answers, held back or not.
        accuracy_interval: its 95 % confidence interval (``proportion.interval``).
        macro: mean over all units that were right or were answered, each counting alike.
        weighted: mean over the units, by support.
        per_unit: by unit code.
        coverage: share of answers that were not held back.
        coverage_interval: its 95 % confidence interval.
        error: share of wrong answers among these; None where there are none.
        error_interval: its 95 % confidence interval; None likewise.
        curve: risk and coverage at each threshold.
        calibration_error: expected calibration error over 15 bins of equal width.
        unknown_units: units in the samples that the model never learned; they count as wrong.
    """

    version: str
    n: int
    accuracy: float
    accuracy_interval: Interval
    macro: Scores
    weighted: Scores
    per_unit: dict[str, UnitScores]
    coverage: float
    coverage_interval: Interval
    error: float | None
    error_interval: Interval | None
    curve: RiskCoverage
    calibration_error: float
    unknown_units: tuple[str, ...]

    def to_json(self) -> str:
        """Return the report as a JSON object; of the curve it has the area."""
        fields = dataclasses.asdict(self)
        del fields["curve"]
        return json.dumps({**fields, "risk_coverage_area": self.curve.area}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """A version's answers to n labelled tickets.

    Parameters:
        version: the model version.
        learned: codes of the units that it learned.
        gold: (n,) the right units.
        units: (n,) the answers; empty where no allowed unit was learned. Such an answer is a guess:
            right by chance, it still counts as wrong.
        probability: (n,) of the answers.
        accepted: (n,) whether nothing held the answer back.
    """

    version: str
    learned: frozenset[str]
    gold: tuple[str, ...]
    units: tuple[str, ...]
    probability: NDArray[np.float64]
    accepted: NDArray[np.bool_]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(n,) whether the answer is right."""
        return np.array([a == b for a, b in zip(self.units, self.gold, strict=True)])

    @property
    def labels(self) -> list[str]:
        """All units that are right or were answered."""
        return sorted({*self.gold, *self.units} - {_UNANSWERED})


def evaluate(
    classifier: Classifier, samples: Sequence[Sample], allowed: frozenset[str], batch: int = 256
) -> Report:
    """Classify the samples and compare; see ``ask``."""
    return report_of(ask(classifier, samples, allowed, batch))


def ask(
    classifier: Classifier, samples: Sequence[Sample], allowed: frozenset[str], batch: int = 256
) -> Answered:
    """Classify the samples.

    Args:
        classifier: the model.
        samples: the test data.
        allowed: codes of the units that may be answered, for every sample.
        batch: texts to classify at a time.

    Raises:
        InputError: there are no samples.
        TaxonomyError: ``allowed`` is empty.
    """
    if not samples:
        raise InputError("there is nothing to evaluate on: give at least one labelled ticket")
    decisions = _answers(classifier, [sample.text for sample in samples], allowed, batch)
    return Answered(
        version=classifier.version,
        learned=classifier.units,
        gold=tuple(sample.unit for sample in samples),
        units=tuple(
            _UNANSWERED if decision.held_back == "unlearned" else decision.unit
            for decision in decisions
        ),
        probability=np.array([decision.probability for decision in decisions]),
        accepted=np.array([decision.held_back is None for decision in decisions]),
    )


def report_of(answered: Answered) -> Report:
    """Return what answers say of their version."""
    gold, answers, labels = list(answered.gold), list(answered.units), answered.labels
    correct, accepted, n = answered.correct, answered.accepted, len(answered.gold)
    right, routed = int(correct.sum()), int(accepted.sum())
    wrong = int((~correct[accepted]).sum())
    return Report(
        version=answered.version,
        n=n,
        accuracy=right / n,
        accuracy_interval=interval(right, n),
        macro=_average(gold, answers, labels, "macro"),
        weighted=_average(gold, answers, labels, "weighted"),
        per_unit=_per_unit(gold, answers, labels),
        coverage=routed / n,
        coverage_interval=interval(routed, n),
        error=wrong / routed if routed else None,
        error_interval=interval(wrong, routed) if routed else None,
        curve=risk_coverage(answered.probability, correct),
        calibration_error=expected_calibration_error(answered.probability, correct),
        unknown_units=tuple(sorted(set(gold) - answered.learned)),
    )


def expected_calibration_error(
    probability: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float:
    """Return the mean gap between probability and accuracy over bins (l, u] of equal width.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """
    places = np.clip(np.ceil(probability * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights=probability - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(probability))


def _answers(
    classifier: Classifier, texts: Sequence[str], allowed: frozenset[str], batch: int
) -> list[Decision]:
    """Return the answers to texts, asked batch by batch as the worker asks."""
    parts = {str(start): texts[start : start + batch] for start in range(0, len(texts), batch)}
    batches = (Batch(part, [allowed] * len(part), start) for start, part in parts.items())
    answered = {one.token: found for one, found in classify_batches(classifier, batches, top_k=1)}
    return [decision for start in parts for decision in answered[start]]


def _average(gold: list[str], answers: list[str], labels: list[str], average: str) -> Scores:
    precision, recall, f1, _ = precision_recall_fscore_support(
        gold, answers, labels=labels, average=average, zero_division=0
    )
    return Scores(float(precision), float(recall), float(f1))


def _per_unit(gold: list[str], answers: list[str], labels: list[str]) -> dict[str, UnitScores]:
    columns = precision_recall_fscore_support(gold, answers, labels=labels, zero_division=0)
    rows = zip(labels, *(column.tolist() for column in columns), strict=True)
    return {code: UnitScores(p, r, f1, int(support)) for code, p, r, f1, support in rows}
