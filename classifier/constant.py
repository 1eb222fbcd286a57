"""The floor every model must beat: always the most frequent unit of the training data.

What scikit-learn calls ``DummyClassifier(strategy="prior")``; it costs nearly nothing, so the
benchmark measures the rest of Paidan with it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from classifier.decision_rule import DecisionRule
from classifier.interface import Decision, rows_by_allowed
from classifier.manifest import Calibration, Manifest, damaged
from classifier.version_files import read_file, read_manifest
from core.json_text import parse_json

PRIOR = "prior.json"


def save_prior(directory: Path, counts: Mapping[str, int]) -> None:
    """Write how many samples each unit (code) had."""
    (directory / PRIOR).write_text(json.dumps(counts), encoding="utf-8")


class ConstantClassifier:
    """Answers with the most frequent allowed unit and its frequency.

    Parameters:
        manifest: the version's.
        counts: learned unit code -> its samples in the training data.
        mapping: learned unit code -> code of the unit that now stands for it; counts are summed.
    """

    kind = "constant"
    token_budget = 16_777_216

    def __init__(
        self,
        manifest: Manifest,
        counts: Mapping[str, int],
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        self.version = manifest.name
        self._counts = np.array(list(counts.values()), dtype=np.float64)
        self._rule = DecisionRule(manifest.name, list(counts), manifest.calibration, mapping)
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
        try:
            counts = parse_json(read_file(directory, manifest, PRIOR))
        except ValueError as error:
            raise damaged(directory / PRIOR, f"not JSON ({error})") from error
        if not isinstance(counts, dict) or set(counts) != set(manifest.codes):
            raise damaged(directory / PRIOR, "its units are not the manifest's")
        if not all(type(count) is int and count > 0 for count in counts.values()):
            raise damaged(directory / PRIOR, "a count is not a positive whole number")
        return cls(manifest, counts, mapping)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        """Answer each text with its most frequent allowed unit (see ``interface.Classifier``)."""
        groups = rows_by_allowed(texts, allowed, top_k)
        answers = {units: self._decide(units, top_k) for units in groups}
        return [answers[units] for units in allowed]

    def recalibrate(self, calibration: Calibration | None) -> None:
        """Decide by another calibration from now on (see ``interface.Classifier``)."""
        self._rule.recalibrate(calibration)

    def _decide(self, allowed: frozenset[str], top_k: int) -> Decision:
        columns = self._rule.columns(allowed)
        counts = self._counts[columns.numbers]
        shares = counts / max(1.0, counts.sum())
        return self._rule.decide(shares[None], columns, allowed, top_k)[0]
