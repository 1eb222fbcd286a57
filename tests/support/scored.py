"""Tickets with scores as a model would give them, and a classifier that gives just these."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import softmax
from classifier.decision_rule import DecisionRule
from classifier.interface import Decision
from classifier.manifest import Calibration
from classifier.raw_scores import RawScores
from training.samples import Sample

CODES = tuple("ABCDEF")


class Scored:
    """Decides as versions do, on scores that a test made.

    Args:
        logits: text -> its (6,) logits of ``CODES``.
        calibration: the version's own.
        mapping: learned unit code -> what stands for it now.
    """

    kind = "scored"
    version = "scored"
    token_budget = 1_000_000

    def __init__(
        self,
        logits: Mapping[str, NDArray[np.float64]],
        calibration: Calibration,
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        self._logits = logits
        self._rule = DecisionRule(self.version, CODES, calibration, mapping)
        self.units = self._rule.units

    @property
    def calibration(self) -> Calibration:
        return self._rule.calibration

    def recalibrate(self, calibration: Calibration | None) -> None:
        self._rule.recalibrate(calibration)

    def raw_scores(self, texts: Sequence[str]) -> RawScores:
        logits = np.array([self._logits[text] for text in texts]).reshape(len(texts), len(CODES))
        return RawScores(CODES, self._rule.units_now(CODES), logits, "linear")

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        if not texts:
            return []
        columns = self._rule.columns(allowed[0])
        logits = self.raw_scores(texts).logits
        rows = softmax(logits[:, columns.numbers], self._rule.temperature)
        belonging = self._rule.belonging(logits)
        return self._rule.decide(rows, columns, allowed[0], top_k, belonging)


def draw_tickets(
    count: int, *, sharpness: float, trust: float, seed: int
) -> tuple[list[Sample], dict[str, NDArray[np.float64]]]:
    """Return tickets with logits of which a model would be surer than it is right.

    Args:
        count: how many.
        sharpness: by which true log-probabilities differ: the higher, the easier the tickets.
        trust: by which the model multiplies them: 1 where it is calibrated.
        seed: of the draw.
    """
    random = np.random.default_rng(seed)
    true = random.normal(0, sharpness, (count, len(CODES)))
    units = [CODES[random.choice(len(CODES), p=row)] for row in softmax(true)]
    words = random.integers(0x4E00, 0x9FA5, (count, 12))  # no two texts are near-duplicates
    texts = ["".join(map(chr, row)) for row in words.tolist()]
    samples = [Sample(text, unit) for text, unit in zip(texts, units, strict=True)]
    return samples, dict(zip(texts, true * trust, strict=True))
