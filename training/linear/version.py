"""Trains the linear model: its setting chosen, and its answers calibrated, by cross-validation.

N-grams and losses are chosen on the training data alone, and so are temperature and threshold, from
answers to samples that the answering model had not seen.

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
from classifier.manifest import WEAK, TrainingFacts
from db.figures import REFERENCE
from registry.lineage import UNKNOWN, Origin
from registry.writer import TrainedVersion, store_version
from training.conflicts import tell_conflicts
from training.held_out import HeldOut, calibrate, measure
from training.linear.answers import held_out_answers
from training.linear.data import Data
from training.linear.features import name_of
from training.linear.jobs import processes_for
from training.linear.selection import choose_setting
from training.linear.setting import Setting
from training.near_duplicates import group_near_duplicates
from training.no_unit import REVIEW, NoUnitRule
from training.progress import SILENT, Progress
from training.promise import promise_line
from training.reference import reference_of
from training.samples import Sample, check_samples, data_sha256
from training.weakness import below_commonest


def train_linear(
    samples: Sequence[Sample],
    units: Mapping[str, str],
    *,
    models_dir: Path,
    error_target: float = 0.05,
    no_unit_review: float = REVIEW,
    seed: int = 42,
    progress: Progress = SILENT,
    origin: Origin = UNKNOWN,
) -> TrainedVersion:
    """Choose, calibrate, fit and write a linear model version.

    The order of the samples does not matter; the same samples and seed give the same weights.

    Args:
        samples: the training data.
        units: code -> name of every handling unit.
        models_dir: the folder of all versions.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        no_unit_review: share of tickets of learned units that ``no_unit`` may hold back, 0 to 1.
        seed: of folds and subsamples.
        progress: is told a line after each step.
        origin: what started the training.

    Raises:
        InputError, TaxonomyError: see ``check_samples``.
        StorageError: the version cannot be written.
    """
    check_samples(samples, units)
    codes = sorted({sample.unit for sample in samples})
    data = _arrange(samples, codes, progress)
    setting = choose_setting(data, seed, progress)
    held_out = held_out_answers(data, setting, seed)
    asked = NoUnitRule.of("linear", no_unit_review, codes, taught=codes)
    calibration = calibrate(held_out, error_target, seed, codes=codes, asked=asked)
    progress.say(promise_line(calibration))
    metrics = _measure(data, codes, held_out, progress)
    learned = (sample.unit for sample in samples)
    metrics |= {REFERENCE: reference_of(learned, held_out, calibration, asked)}
    weights = setting.fit(data, seed, processes_for(len(data)))
    version = store_version(
        models_dir,
        LinearClassifier.kind,
        codes,
        units,
        calibration=calibration,
        metrics=metrics,
        training=_facts(samples, seed, setting, weights),
        origin=origin,
        write_files=weights.save,
    )
    progress.say(f"wrote {version.path}")
    return version


def _measure(
    data: Data, codes: Sequence[str], held_out: HeldOut, progress: Progress
) -> dict[str, JsonValue]:
    """Return the metrics of answers to samples that were held out, and tell them."""
    measured = measure(held_out.logits, held_out.labels)
    told = "".join(f", {name} {value:.3f}" for name, value in measured.items() if value is not None)
    progress.say(f"{len(held_out):,} held-out answers{told}")
    metrics: dict[str, JsonValue] = {**measured}
    metrics["majority_share"] = float(np.bincount(data.labels).max() / len(data.labels))
    if weak := _weakness(held_out, data, codes):
        progress.say(f"warning: {weak}")
        metrics[WEAK] = weak
    return metrics


def _weakness(held_out: HeldOut, data: Data, codes: Sequence[str]) -> str | None:
    right = held_out.logits.argmax(axis=1) == held_out.labels
    units, known = ([codes[n] for n in labels] for labels in (held_out.labels, data.labels))
    return below_commonest(right, units, known)


def _facts(
    samples: Sequence[Sample], seed: int, setting: Setting, weights: LinearWeights
) -> TrainingFacts:
    """Return what was learned from, and what was chosen."""
    return TrainingFacts(
        samples=len(samples),
        seed=seed,
        settings={
            "features": name_of(setting.features),
            "learners": [str(learner) for learner in setting.learners],
            "shares": list(setting.shares),
            "ngrams": len(weights.idf),
        },
        data_sha256=data_sha256(samples),
    )


def _arrange(samples: Sequence[Sample], codes: Sequence[str], progress: Progress = SILENT) -> Data:
    numbers = {code: number for number, code in enumerate(codes)}
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    texts = [sample.text for sample in ordered]
    labels = np.array([numbers[sample.unit] for sample in ordered], dtype=np.int64)
    groups = group_near_duplicates(texts)
    tell_conflicts(ordered, groups, progress)
    weights = np.array([sample.weight for sample in ordered])
    return Data(texts, labels, len(codes), groups, None if (weights == 1).all() else weights)


def fit_linear(
    samples: Sequence[Sample], seed: int = 42, progress: Progress = SILENT
) -> LinearWeights:
    """Choose a setting and fit all samples, for what needs no version: another model's floor.

    The classes are the samples' units, in the order of their codes. For the arguments and errors
    see ``train_linear``.
    """
    data = _arrange(samples, sorted({sample.unit for sample in samples}))
    setting = choose_setting(data, seed, progress)
    return setting.fit(data, seed, processes_for(len(data)))
