"""The linear model as training makes it, without a version: no more is imported than it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.promise_rule import Answers
from classifier.calibration import Floats, softmax
from classifier.interface import PROBABILITY_DECIMALS
from classifier.linear_model import LinearWeights
from classifier.manifest import Calibration
from training.held_out import HeldOut, calibrate
from training.linear.answers import held_out_answers
from training.linear.data import Data
from training.linear.jobs import processes_for
from training.linear.selection import choose_setting
from training.near_duplicates import group_near_duplicates
from training.no_unit import REVIEW, NoUnitRule
from training.progress import SILENT
from training.samples import Sample


@dataclass(frozen=True, slots=True)
class Model:
    """What a training comes to.

    Parameters:
        codes: of the units, in class order.
        weights: learned from all samples.
        held_out: answers to samples by models that did not learn them.
        calibration: set from these.
        asked: the rule for tickets of no unit.
    """

    codes: Sequence[str]
    weights: LinearWeights
    held_out: HeldOut
    calibration: Calibration
    asked: NoUnitRule

    def answer(self, samples: Sequence[Sample]) -> tuple[Answers, NDArray[np.bool_]]:
        """Return the answers to samples, and which of them are routed."""
        logits = self.weights.logits([sample.text for sample in samples])
        labels = np.array([self.codes.index(sample.unit) for sample in samples])
        answers = self.answers(logits, labels)
        threshold, no_unit = self.calibration.threshold, self.calibration.no_unit
        belongs = self.asked.belongs(no_unit, logits, self.calibration.temperature)
        return answers, belongs & (answers.probability >= threshold)

    def answers(self, logits: Floats, labels: NDArray[np.int64]) -> Answers:
        """Return the answers that logits give at the model's temperature."""
        chances = softmax(logits, self.calibration.temperature).max(axis=1)
        right = logits.argmax(axis=1) == labels
        return Answers(chances.round(PROBABILITY_DECIMALS), right)


def learn(
    samples: Sequence[Sample],
    target: float,
    seed: int = 42,
    *,
    grouped: bool = True,
    review: float = REVIEW,
) -> Model:
    """Train on samples, as ``training.linear.version`` does.

    Args:
        samples: the training data.
        target: the error target.
        seed: of folds and fits.
        grouped: whether near-duplicates are kept together; else each sample is a group.
        review: share of tickets that ``no_unit`` may hold back, 0 for none.
    """
    codes = sorted({sample.unit for sample in samples})
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    texts = [sample.text for sample in ordered]
    labels = np.array([codes.index(sample.unit) for sample in ordered], dtype=np.int64)
    groups = group_near_duplicates(texts) if grouped else np.arange(len(texts))
    data = Data(texts, labels, len(codes), groups)
    setting = choose_setting(data, seed, SILENT)
    held_out = held_out_answers(data, setting, seed)
    asked = NoUnitRule.of("linear", review, codes, taught=codes)
    calibration = calibrate(held_out, target, seed, codes=codes, asked=asked)
    weights = setting.fit(data, seed, processes_for(len(data)))
    return Model(codes, weights, held_out, calibration, asked)
