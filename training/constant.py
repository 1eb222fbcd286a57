"""Trains the constant model: counts the units."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from classifier.constant import ConstantClassifier, save_prior
from classifier.interface import PROBABILITY_DECIMALS
from classifier.manifest import TrainingFacts
from registry.writer import TrainedVersion, store_version
from training.held_out import calibration_of
from training.samples import Sample, check_samples, data_sha256


def train_constant(
    samples: Sequence[Sample],
    units: Mapping[str, str],
    *,
    models_dir: Path,
    error_target: float = 0.05,
) -> TrainedVersion:
    """Write a constant model version.

    Its answers are held back unless the most frequent unit errs at most ``error_target`` of the
    time; with an ``error_target`` of 1 none is.

    Args:
        samples: the training data.
        units: code -> name of every handling unit.
        models_dir: the folder of all versions.
        error_target: share of wrong answers to accept, 0 to 1.

    Raises:
        InputError, TaxonomyError: see ``check_samples``.
        StorageError: the version cannot be written.
    """
    check_samples(samples, units)
    counts = Counter(sample.unit for sample in samples)
    majority = min(counts, key=lambda code: (-counts[code], code))
    share = round(counts[majority] / len(samples), PROBABILITY_DECIMALS)
    correct = np.array([sample.unit == majority for sample in samples])
    return store_version(
        models_dir,
        ConstantClassifier.kind,
        sorted(counts),
        units,
        calibration=calibration_of(np.full(len(samples), share), correct, error_target),
        metrics={"accuracy": share},
        training=TrainingFacts(
            samples=len(samples), seed=0, settings={}, data_sha256=data_sha256(samples)
        ),
        write_files=lambda directory: save_prior(directory, counts),
    )
