"""The whole linear pipeline on random splits: does the test part refute what training promised?"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from bench.promise_model import learn
from bench.promise_rule import old_threshold
from training.held_out import split_groups
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
    samples: Sequence[Sample], groups: NDArray[np.int64], cores: int, seed: int
) -> tuple[Routed, ...]:
    """Return what the old rule and the new one route of the test part."""
    os.environ["LOKY_MAX_CPU_COUNT"] = str(cores)  # of this process: what joblib takes them to be
    asked, known = (
        [samples[row] for row in rows.tolist()] for rows in split_groups(groups, TEST_SHARE, seed)
    )
    taught = {sample.unit for sample in known}
    asked = [sample for sample in asked if sample.unit in taught]
    model = learn(known, TARGET, seed)
    answers, routed = model.answer(asked)
    held_out = model.answers(model.held_out.logits, model.held_out.labels)
    old = answers.probability >= old_threshold(held_out, TARGET)
    return tuple(
        Routed(len(asked), int(some.sum()), int((some & ~answers.correct).sum()))
        for some in (old, routed)
    )
