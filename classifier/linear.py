"""The linear model: answers with the n-grams and scores of a linear version.

What every adapter must beat, and what answers, marked as degraded, while no GPU is there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import softmax
from classifier.decision_rule import DecisionRule
from classifier.interface import Decision, rows_by_allowed, unlearned
from classifier.linear_model import LinearWeights
from classifier.manifest import Calibration, Manifest
from classifier.raw_scores import RawScores
from classifier.version_files import read_manifest


class LinearClassifier:
    """Answers with a linear model version.

    Parameters:
        manifest: the version's.
        weights: its arrays, classes in the order of ``manifest.units``.
        mapping: learned unit code -> code of the unit that now stands for it. The probabilities
            of units that map to one are summed; a code that is not in it stands for itself.
    """

    kind = "linear"
    token_budget = 65_536

    def __init__(
        self, manifest: Manifest, weights: LinearWeights, mapping: Mapping[str, str] | None = None
    ) -> None:
        self.version = manifest.name
        self._weights = weights
        self._codes = manifest.codes
        self._rule = DecisionRule(manifest.name, manifest.codes, manifest.calibration, mapping)
        self.units = self._rule.units

    @property
    def calibration(self) -> Calibration:
        """By which it decides."""
        return self._rule.calibration

    @classmethod
    def load(cls, directory: Path, mapping: Mapping[str, str] | None = None) -> Self:
        """Open a version.

        Raises:
            ModelVersionError: the directory is damaged; names the file.
        """
        manifest = read_manifest(directory)
        return cls(manifest, LinearWeights.load(directory, manifest), mapping)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        """Answer each text with one of its allowed units (see ``interface.Classifier``)."""
        groups = rows_by_allowed(texts, allowed, top_k)
        if not groups:
            return []
        logits = self._weights.logits(texts)
        if len(groups) == 1:
            return self._decide(logits, allowed[0], top_k)
        decisions: dict[int, Decision] = {}
        for units, rows in groups.items():
            decisions.update(zip(rows, self._decide(logits[rows], units, top_k), strict=True))
        return [decisions[row] for row in range(len(texts))]

    def raw_scores(self, texts: Sequence[str]) -> RawScores:
        """Score n texts (see ``raw_scores.ScoringClassifier``)."""
        return RawScores(
            self._codes, self._rule.units_now(self._codes), self._weights.logits(texts), self.kind
        )

    def recalibrate(self, calibration: Calibration | None) -> None:
        """Decide by another calibration from now on (see ``interface.Classifier``)."""
        self._rule.recalibrate(calibration)

    def _decide(
        self, logits: NDArray[np.float32], allowed: frozenset[str], top_k: int
    ) -> list[Decision]:
        """Turn (n, classes) logits into decisions under one set of allowed units."""
        columns = self._rule.columns(allowed)
        if not columns.learned:
            return [unlearned(allowed, top_k, self.version)] * len(logits)
        probabilities = softmax(logits[:, columns.numbers], self._rule.temperature)
        belonging = self._rule.belonging(logits)
        return self._rule.decide(probabilities, columns, allowed, top_k, belonging)
