"""The whole linear pipeline on random splits: does the test part refute what training promised?"""

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy.stats import binom

from bench.promise_rule import Answers, old_threshold
from classifier.calibration import softmax
from classifier.interface import PROBABILITY_DECIMALS
from classifier.loading import load_classifier
from training.held_out import HeldOut, calibrate, split_groups
from training.linear import version as linear
from training.near_duplicates import group_near_duplicates
from training.samples import Sample

TARGET = 0.05
TEST_SHARE = 0.25
REFUTED = 0.05
"""A p-value under this refutes that the error among routed tickets keeps the target."""

Row = dict[str, float | str | None]


@dataclass(frozen=True, slots=True)
class Routed:
    """What is routed of so many tickets, and how much of that is wrong."""

    tickets: int
    routed: int
    wrong: int


def measure_splits(samples: Sequence[Sample], splits: int, jobs: int) -> list[Row]:
    """Train on random splits of a set, ``jobs`` at once; return a row for each rule."""
    groups = group_near_duplicates([sample.text for sample in samples])
    one = partial(_split, samples, groups, max(1, (os.cpu_count() or 1) // jobs))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        outcomes = []
        for seed, outcome in enumerate(pool.map(one, range(splits))):
            print(f"split {seed}: {outcome}", file=sys.stderr, flush=True)
            outcomes.append(outcome)
    old, new = zip(*outcomes, strict=True)
    return [{"rule": "old", **row(old)}, {"rule": "new", **row(new)}]


def row(found: Sequence[Routed]) -> Row:
    """Return what all splits came to."""
    errors = [one.wrong / one.routed for one in found if one.routed]
    refuted = [binom.sf(one.wrong - 1, one.routed, TARGET) < REFUTED for one in found if one.routed]
    return {
        "splits": len(found),
        "target": TARGET,
        "mean error": float(np.mean(errors)) if errors else None,
        "highest error": max(errors, default=None),
        "refuted": sum(map(bool, refuted)),
        "mean coverage": float(np.mean([one.routed / one.tickets for one in found])),
        "all held back": sum(one.routed == 0 for one in found),
    }


def _split(
    samples: Sequence[Sample], groups: np.ndarray, cores: int, seed: int
) -> tuple[Routed, ...]:
    """Return what the old rule and the new one route of the test part."""
    asked, known = (
        [samples[row] for row in rows.tolist()] for rows in split_groups(groups, TEST_SHARE, seed)
    )
    units = {sample.unit: sample.unit for sample in samples}
    os.environ["LOKY_MAX_CPU_COUNT"] = str(cores)  # of this process: what joblib takes them to be
    answered: list[HeldOut] = []

    def record(held_out: HeldOut, *rest: object, **more: object) -> object:
        answered.append(held_out)
        return calibrate(held_out, *rest, **more)  # type: ignore[arg-type]

    with (
        tempfile.TemporaryDirectory(prefix="paidan-promise-") as folder,
        patch.object(linear, "calibrate", record),
    ):
        version = linear.train_linear(
            known, units, models_dir=Path(folder), error_target=TARGET, seed=seed
        )
        classifier = load_classifier(version.path)
        decisions = classifier.classify(
            [sample.text for sample in asked], [frozenset(units)] * len(asked)
        )
    right = np.array(
        [one.unit == sample.unit for one, sample in zip(decisions, asked, strict=True)]
    )
    routed = np.array([one.held_back is None for one in decisions])
    probability = np.array([one.probability for one in decisions])
    temperature = version.manifest.calibration.temperature
    old = probability >= old_threshold(_answers(answered[0], temperature), TARGET)
    return tuple(
        Routed(len(asked), int(some.sum()), int((some & ~right).sum())) for some in (old, routed)
    )


def _answers(held_out: HeldOut, temperature: float) -> Answers:
    """Return all held-out answers, as the old rule took them."""
    probability = softmax(held_out.logits, temperature).max(axis=1).round(PROBABILITY_DECIMALS)
    return Answers(probability, held_out.logits.argmax(axis=1) == held_out.labels)
