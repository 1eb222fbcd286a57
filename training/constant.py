"""Trains the constant model: counts the units."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from classifier.constant import ConstantClassifier, save_prior
from classifier.interface import PROBABILITY_DECIMALS
from classifier.manifest import TrainingFacts
from registry.lineage import UNKNOWN, Origin
from registry.writer import TrainedVersion, store_version
from training.held_out import calibration_of, representatives
from training.near_duplicates import group_near_duplicates
from training.progress import SILENT, Progress
from training.promise import promise_line
from training.samples import Sample, check_samples, data_sha256

SEED = 0
"""Of the drawing of one ticket from each group of near-duplicates."""


def train_constant(
    samples: Sequence[Sample],
    units: Mapping[str, str],
    *,
    models_dir: Path,
    error_target: float = 0.05,
    progress: Progress = SILENT,
    origin: Origin = UNKNOWN,
) -> TrainedVersion:
    """Write a constant model version.

    Its answers are held back unless the most frequent unit keeps the ``error_target``, near-
    duplicates counted once; with an ``error_target`` of 1 none is. The promise is an approximation:
    the samples that judge the unit also chose it.

    Args:
        samples: the training data.
        units: code -> name of every handling unit.
        models_dir: the folder of all versions.
        error_target: share of wrong answers to accept, 0 to 1.
        progress: is told what the version promises.
        origin: what started the training.

    Raises:
        InputError, TaxonomyError: see ``check_samples``.
        StorageError: the version cannot be written.
    """
    check_samples(samples, units)
    counts = Counter(sample.unit for sample in samples)
    majority = min(counts, key=lambda code: (-counts[code], code))
    share = round(counts[majority] / len(samples), PROBABILITY_DECIMALS)
    drawn = representatives(group_near_duplicates([sample.text for sample in samples]), SEED)
    correct = np.array([sample.unit == majority for sample in samples])[drawn]
    calibration = calibration_of(np.full(len(correct), share), correct, error_target)
    progress.say(promise_line(calibration))
    return store_version(
        models_dir,
        ConstantClassifier.kind,
        sorted(counts),
        units,
        calibration=calibration,
        metrics={"accuracy": share},
        training=TrainingFacts(
            samples=len(samples), seed=SEED, settings={}, data_sha256=data_sha256(samples)
        ),
        origin=origin,
        write_files=lambda directory: save_prior(directory, counts),
    )
