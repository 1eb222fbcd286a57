r"""How often conformal sets hold the right unit, and how many units they hold.

    python -m bench.conformal --data DIRECTORY [--splits 20]
    python -m bench.conformal --pool FILE.npz [--splits 20]

DIRECTORY holds banking77/ and hotline/; a linear model learns each half of a set, and answers the
other: these answers are the pool. FILE.npz holds a model's ``logits`` (n, units) of tickets that it
did not learn, and their ``labels`` (n,). Each split takes half of the pool to count, and of the
other half as training does some to set the temperature and the rest to set the sets. A table, then
one line of JSON: how many sets hold the right unit before and after an empty one gets its best unit
("before", "after"), for sets with one floor for all units ("marginal"), with a floor for each unit
that has any ("every unit") and as the product sets them.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.samples import read_part
from classifier.calibration import Floats, fit_temperature, softmax
from classifier.interface import PROBABILITY_DECIMALS
from classifier.linear_model import LinearWeights
from classifier.manifest import ConformalSet
from training.conformal import conformal_sets, floor_of
from training.held_out import FIT_SHARE
from training.linear.version import train_linear
from training.samples import Sample

Labels = NDArray[np.int64]
Figures = dict[str, float]
WAYS = ("marginal", "every unit", "product")


@dataclass(frozen=True, slots=True)
class Pool:
    """A model's answers to n tickets that it did not learn.

    Parameters:
        logits: (n, units).
        labels: (n,) numbers of the right units.
    """

    logits: Floats
    labels: Labels


def main() -> None:
    """Measure each pool."""
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="holds banking77/ and hotline/")
    source.add_argument("--pool", type=Path, help="logits and labels, .npz")
    parser.add_argument("--splits", type=int, default=20)
    options = parser.parse_args()
    table = Table("pool", "level", "floors", "before", "after", "units in a set")
    figures = {}
    for name, pool in _pools(options.data, options.pool):
        figures[name] = measure(pool, options.splits)
        for level, ways in figures[name].items():
            for way, found in ways.items():
                told = (f"{found[key]:.4f}" for key in ("before", "after", "size"))
                table.add_row(name, level, way, *told)
    Console().print(table)
    print(json.dumps(figures))


def _pools(data: Path | None, file: Path | None) -> Iterator[tuple[str, Pool]]:
    if file:
        arrays = np.load(file)
        yield file.stem, Pool(arrays["logits"], arrays["labels"])
    for name in ("banking77", "hotline") if data else ():
        assert data is not None
        yield name, halves_pool(read_part(data / name, "train") + read_part(data / name, "test"))


def linear_pool(train: Sequence[Sample], test: Sequence[Sample]) -> Pool:
    """Return the answers of a linear model that learned ``train`` to ``test``."""
    codes = sorted({sample.unit for sample in train})
    with tempfile.TemporaryDirectory(prefix="paidan-conformal-") as folder:
        version = train_linear(train, {code: code for code in codes}, models_dir=Path(folder))
        weights = LinearWeights.load(version.path, version.manifest)
        logits = weights.logits([sample.text for sample in test])
    return Pool(logits, np.array([codes.index(sample.unit) for sample in test]))


def halves_pool(samples: Sequence[Sample]) -> Pool:
    """Return the answers to each half of the samples by a linear model of the other half."""
    order = np.random.default_rng(0).permutation(len(samples))
    halves = [[samples[row] for row in half] for half in np.array_split(order, 2)]
    pools = [linear_pool(known, asked) for known, asked in (halves, halves[::-1])]
    logits = np.concatenate([pool.logits for pool in pools]).astype(np.float64)
    return Pool(logits, np.concatenate([pool.labels for pool in pools]))


def measure(pool: Pool, splits: int) -> dict[str, dict[str, Figures]]:
    """Return by level and way the mean coverage, before and after, and the mean size of sets."""
    found: dict[str, dict[str, list[tuple[float, float, float]]]] = {}
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(len(pool.labels))
        half = len(order) // 2
        fit, held, asked = np.split(order, [round(half * FIT_SHARE), half])
        temperature = fit_temperature(pool.logits[fit], pool.labels[fit])
        chances = softmax(pool.logits, temperature).round(PROBABILITY_DECIMALS)
        for way, sets in _ways(chances[held], pool.labels[held]).items():
            for one in sets:
                ways = found.setdefault(f"{one.level:g}", {})
                ways.setdefault(way, []).append(_count(one, chances[asked], pool.labels[asked]))
    names = ("before", "after", "size")
    return {
        level: {
            way: dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))
            for way, rows in ways.items()
        }
        for level, ways in found.items()
    }


def _ways(chances: NDArray[np.float64], labels: Labels) -> dict[str, Sequence[ConformalSet]]:
    """Return the sets in each way; units are known by their numbers."""
    right = chances[np.arange(len(labels)), labels]
    codes = [str(number) for number in range(chances.shape[1])]
    product = conformal_sets(right, labels, codes)
    marginal = conformal_sets(right, np.zeros_like(labels), codes=())
    every = []
    for one in marginal:
        floors = {c: floor_of(right[labels == n], one.level) for n, c in enumerate(codes)}
        own = {code: floor for code, floor in floors.items() if floor is not None}
        every.append(one.model_copy(update={"floors": own}))
    return dict(zip(WAYS, (marginal, every, product), strict=True))


def _count(
    one: ConformalSet, chances: NDArray[np.float64], labels: Labels
) -> tuple[float, float, float]:
    """Return how often sets hold the right unit, before and after, and their mean size after."""
    floors = np.array([one.floors.get(str(n), one.floor) for n in range(chances.shape[1])])
    inside = chances >= floors
    rows = np.arange(len(labels))
    before = inside[rows, labels].mean()
    empty = ~inside.any(axis=1)
    inside[empty, chances[empty].argmax(axis=1)] = True
    return float(before), float(inside[rows, labels].mean()), float(inside.sum(axis=1).mean())


if __name__ == "__main__":
    main()
