"""Trains the linear model: character n-grams, chosen and calibrated by cross-validation.

N-gram range and regularisation are chosen on the training data alone, and so are temperature and
threshold, from answers to samples that the answering model had not seen.

The promise of the threshold is an approximation here: the answers come from models of the folds,
each of which learned two thirds of the samples, and the version learns them all. It errs less often
than they do as a rule, so the promise errs to the safe side.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from classifier.linear import LinearClassifier
from classifier.linear_model import LinearWeights
from classifier.manifest import Calibration, TrainingFacts
from classifier.ngrams import NGrams, Vocabulary
from registry.writer import TrainedVersion, store_version
from training.held_out import calibrate, measure
from training.linear.regression import Data, fit, vectorize
from training.linear.selection import Setting, choose_setting, held_out_answers
from training.progress import SILENT, Progress
from training.promise import promise_line
from training.samples import Sample, check_samples, data_sha256


def train_linear(
    samples: Sequence[Sample],
    units: Mapping[str, str],
    *,
    models_dir: Path,
    error_target: float = 0.05,
    seed: int = 42,
    progress: Progress = SILENT,
) -> TrainedVersion:
    """Choose, calibrate, fit and write a linear model version.

    The order of the samples does not matter; the same samples and seed give the same weights.

    Args:
        samples: the training data.
        units: code -> name of every handling unit.
        models_dir: the folder of all versions.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        seed: of folds and subsamples.
        progress: is told a line after each step.

    Raises:
        InputError, TaxonomyError: see ``check_samples``.
        StorageError: the version cannot be written.
    """
    check_samples(samples, units)
    codes = sorted({sample.unit for sample in samples})
    data = _arrange(samples, codes)
    setting = choose_setting(data, seed, progress)
    calibration, metrics = _measure(data, setting, seed, error_target, progress)
    weights = _fit_all(data, setting)
    version = store_version(
        models_dir,
        LinearClassifier.kind,
        codes,
        units,
        calibration=calibration,
        metrics=metrics,
        training=_facts(samples, seed, setting, weights),
        write_files=weights.save,
    )
    progress.say(f"wrote {version.path}")
    return version


def _measure(
    data: Data, setting: Setting, seed: int, error_target: float, progress: Progress
) -> tuple[Calibration, dict[str, JsonValue]]:
    """Return calibration and metrics, from answers to samples that were held out."""
    held_out = held_out_answers(data, setting, seed)
    metrics = measure(held_out.logits, held_out.labels)
    progress.say(f"{len(held_out)} held-out answers: {metrics}")
    calibration = calibrate(held_out, error_target, seed)
    progress.say(promise_line(calibration))
    majority = float(np.bincount(data.labels).max() / len(data.labels))
    return calibration, {**metrics, "majority_share": majority}


def _facts(
    samples: Sequence[Sample], seed: int, setting: Setting, weights: LinearWeights
) -> TrainingFacts:
    """Return what was learned from, and what was chosen."""
    return TrainingFacts(
        samples=len(samples),
        seed=seed,
        settings={
            "ngram_range": list(setting.ngram_range),
            "c": setting.c,
            "ngrams": len(weights.idf),
        },
        data_sha256=data_sha256(samples),
    )


def _arrange(samples: Sequence[Sample], codes: Sequence[str]) -> Data:
    numbers = {code: number for number, code in enumerate(codes)}
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    labels = np.array([numbers[sample.unit] for sample in ordered], dtype=np.int64)
    return Data([sample.text for sample in ordered], labels, len(codes))


def _fit_all(data: Data, setting: Setting) -> LinearWeights:
    vectorizer, matrix = vectorize(data, setting.ngram_range)
    coef, intercept = fit(matrix, data.labels, setting.c, data.classes)
    terms = tuple(vectorizer.get_feature_names_out().tolist())
    return LinearWeights(
        (Vocabulary(NGrams("char", *setting.ngram_range), terms),),
        vectorizer.idf_.astype(np.float32),
        coef,
        intercept,
    )
