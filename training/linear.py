"""Trains the linear model: character n-grams, chosen and calibrated by cross-validation.

N-gram range and regularisation are chosen on the training data alone, and so are temperature and
threshold, from answers to samples that the answering model had not seen.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from classifier.calibration import fit_temperature, softmax, threshold_for_error
from classifier.interface import PROBABILITY_DECIMALS
from classifier.linear import LinearClassifier, LinearWeights
from classifier.manifest import Calibration, TrainingFacts
from training.samples import Sample, check_samples, data_sha256
from training.selection import (
    Data,
    Labels,
    Progress,
    Setting,
    choose_setting,
    fit,
    held_out_answers,
    vectorize,
)
from training.versions import TrainedVersion, store_version


def train_linear(
    samples: Sequence[Sample],
    units: Mapping[str, str],
    *,
    models_dir: Path,
    error_target: float = 0.05,
    seed: int = 42,
    progress: Progress | None = None,
) -> TrainedVersion:
    """Choose, calibrate, fit and write a linear model version.

    The order of the samples does not matter; the same samples and seed give the same weights.

    Args:
        samples: the training data.
        units: code -> name of every handling unit.
        models_dir: the folder of all versions.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        seed: of folds and subsamples.
        progress: called with a line of text after each step.

    Raises:
        InputError, TaxonomyError: see ``check_samples``.
        StorageError: the version cannot be written.
    """
    say = progress or (lambda _: None)
    check_samples(samples, units)
    codes = sorted({sample.unit for sample in samples})
    data = _arrange(samples, codes)
    setting = choose_setting(data, seed, say)
    logits, labels = held_out_answers(data, setting, seed)
    calibration = _calibrate(logits, labels, error_target)
    metrics = _measure(logits, labels)
    say(f"{len(labels)} held-out answers: {metrics}")
    weights = _fit_all(data, setting)
    version = store_version(
        models_dir,
        LinearClassifier.kind,
        codes,
        units,
        calibration=calibration,
        metrics={**metrics, "majority_share": float(np.bincount(data.labels).max() / len(samples))},
        training=TrainingFacts(
            samples=len(samples),
            seed=seed,
            settings={
                "ngram_range": list(setting.ngram_range),
                "c": setting.c,
                "ngrams": len(weights.vocabulary),
            },
            data_sha256=data_sha256(samples),
        ),
        write_files=weights.save,
    )
    say(f"wrote {version.path}")
    return version


def _arrange(samples: Sequence[Sample], codes: Sequence[str]) -> Data:
    numbers = {code: number for number, code in enumerate(codes)}
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    labels = np.array([numbers[sample.unit] for sample in ordered], dtype=np.int64)
    return Data([sample.text for sample in ordered], labels, len(codes))


def _calibrate(logits: NDArray[np.float32], labels: Labels, error_target: float) -> Calibration:
    temperature = fit_temperature(logits, labels)
    # Rounded as serving rounds: the threshold is compared with such probabilities.
    probability = softmax(logits, temperature).max(axis=1).round(PROBABILITY_DECIMALS)
    threshold = threshold_for_error(probability, logits.argmax(axis=1) == labels, error_target)
    return Calibration(
        temperature=temperature,
        threshold=threshold.threshold,
        error_target=error_target,
        coverage=threshold.coverage,
        error=threshold.error,
        held_out=len(labels),
    )


def _measure(logits: NDArray[np.float32], labels: Labels) -> dict[str, float | None]:
    if len(labels) == 0:
        return {"accuracy": None, "macro_f1": None}
    answers = logits.argmax(axis=1)
    macro_f1 = f1_score(labels, answers, average="macro", zero_division=0)
    return {"accuracy": float((answers == labels).mean()), "macro_f1": float(macro_f1)}


def _fit_all(data: Data, setting: Setting) -> LinearWeights:
    vectorizer, matrix = vectorize(data, setting.ngram_range)
    coef, intercept = fit(matrix, data.labels, setting.c, data.classes)
    return LinearWeights(
        setting.ngram_range,
        tuple(vectorizer.get_feature_names_out().tolist()),
        vectorizer.idf_.astype(np.float32),
        coef,
        intercept,
    )
