"""The linear model beside a common linear SVM and the model it replaced.

    python -m bench.linear --banking77 DIRECTORY --hotline DIRECTORY

A directory has the parts train and test; without them the synthetic set alone is measured. From
banking77 an imbalanced set is made: one class of half of the samples, 20 classes of seven. All
three ways set temperature and threshold by the same rule. The seconds are those of the whole
training, held-out answers included; a machine that does other work beside shows them in the
processor's. Intervals are 95 %, of the difference on the same test tickets
(paired bootstrap). The last line is JSON.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.linear_sets import LabelledSet, imbalanced, real, synthetic
from bench.linear_ways import Answered, Labels, before, product, svm
from classifier.calibration import softmax
from classifier.interface import PROBABILITY_DECIMALS
from training.evaluation import expected_calibration_error
from training.linear.comparison import drawn_scores

WAYS: dict[str, Callable[[LabelledSet, float], Answered]] = {
    "svm": svm,
    "before": before,
    "product": product,
}
SCORES = ("accuracy", "macro_f1")
DRAWS = 2_000


def main() -> None:
    """Train each way on each set and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--banking77", type=Path, help="a directory")
    parser.add_argument("--hotline", type=Path, help="a directory")
    parser.add_argument("--sets", nargs="*", help="the names of those to measure; all by default")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--tickets", type=int, default=4_000, help="of each synthetic part")
    parser.add_argument("--error-target", type=float, default=0.05)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for name, data in _sets(options):
        if options.sets and name not in options.sets:
            continue
        found[name] = measure_set(data, options.ways, options.error_target)
        _show(name, data, found[name])
    print(json.dumps({"cores": os.cpu_count(), "sets": found}))


def _sets(options: argparse.Namespace) -> Iterator[tuple[str, LabelledSet]]:
    if options.hotline:
        yield "hotline", real(options.hotline)
    if options.banking77:
        balanced = real(options.banking77)
        yield "banking77", balanced
        yield "imbalanced", imbalanced(balanced)
    yield "synthetic", synthetic(options.tickets, options.tickets)


def measure_set(data: LabelledSet, ways: list[str], error_target: float) -> dict[str, Any]:
    """Return the figures of each way, and the product's intervals beside the others."""
    codes = sorted({sample.unit for sample in data.train})
    numbers = {code: number for number, code in enumerate(codes)}
    labels = np.array([numbers[sample.unit] for sample in data.test])
    random = np.random.default_rng(0)
    counts = random.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), DRAWS)
    weights = np.concatenate([np.ones((1, len(labels))), counts])
    figures: dict[str, Any] = {}
    drawn: dict[str, NDArray[np.float64]] = {}
    for way in ways:
        began, worked = time.perf_counter(), _processor_seconds()
        answered = WAYS[way](data, error_target)
        seconds = time.perf_counter() - began
        worked = _processor_seconds() - worked
        drawn[way] = np.stack(
            drawn_scores(answered.logits.argmax(axis=1), labels, len(codes), weights)
        )
        scores = dict(zip(SCORES, drawn[way][:, 0].round(4).tolist(), strict=True))
        spent = {"seconds": round(seconds, 1), "processor_seconds": round(worked, 1)}
        figures[way] = scores | _routed(answered, labels) | spent
    for way in set(ways) - {"product"} if "product" in ways else ():
        gains = np.percentile((drawn["product"] - drawn[way])[:, 1:], [2.5, 97.5], axis=1)
        for score, interval in zip(SCORES, gains.T.round(4).tolist(), strict=True):
            figures[way][f"product_gains_{score}"] = interval
    return figures


def _processor_seconds() -> float:
    """Return what this process used so far, and its children, which end here."""
    get_reusable_executor().shutdown()
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _routed(answered: Answered, labels: Labels) -> dict[str, float | None]:
    """Return what the threshold does on the test part."""
    probabilities = softmax(answered.logits, answered.calibration.temperature)
    highest = probabilities.max(axis=1).round(PROBABILITY_DECIMALS)
    right = probabilities.argmax(axis=1) == labels
    routed = highest >= answered.calibration.threshold
    return {
        "coverage": round(float(routed.mean()), 4),
        "routed_error": round(float((~right[routed]).mean()), 4) if routed.any() else None,
        "calibration_error": round(expected_calibration_error(highest, right), 4),
    }


def _show(name: str, data: LabelledSet, figures: dict[str, Any]) -> None:
    table = Table(title=f"{name}: {len(data.train):,} to train on, {len(data.test):,} to test on")
    for heading in ("", *figures):
        table.add_column(heading)
    for key in dict.fromkeys(key for column in figures.values() for key in column):
        table.add_row(
            key.replace("_", " "), *(str(column.get(key, "")) for column in figures.values())
        )
    Console().print(table)


if __name__ == "__main__":
    main()
