"""A linear model of two n-grams and three units; samples of two themes."""

from datetime import UTC, datetime

import numpy as np

from classifier.linear_model import LinearWeights
from classifier.manifest import Calibration, LearnedUnit, Manifest, TrainingFacts
from classifier.ngrams import NGrams, Vocabulary
from training.linear.data import Data


def toy_manifest(name: str = "toy") -> Manifest:
    return Manifest(
        name=name,
        kind="linear",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        units=tuple(LearnedUnit(code=code, name=code) for code in "ABC"),
        taxonomy_sha256="",
        calibration=Calibration(
            temperature=2.0, threshold=0.6, error_target=0.05, coverage=1, error=0, held_out=1
        ),
        metrics={},
        training=TrainingFacts(samples=1, seed=0, settings={}, data_sha256=""),
    )


def toy_weights() -> LinearWeights:
    """Logit 4 for A where there is an "x", for B and C alike where there is a "y"."""
    return LinearWeights(
        (Vocabulary(NGrams("char", 1, 1), ("x", "y")),),
        np.ones(2, dtype=np.float32),
        np.array([[4, 0], [0, 4], [0, 4]], dtype=np.float32),
        np.zeros(3, dtype=np.float32),
    )


def themed(count: int) -> Data:
    """Two units told apart by their first characters, which only n-grams of two tell."""
    texts = [("甲乙" if n % 2 else "乙甲") + str(n) for n in range(count)]
    return Data(texts, np.arange(count) % 2, 2, np.arange(count))
