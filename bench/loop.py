"""Whether learning from what people decide is worth more than learning from random tickets.

    python -m bench.loop --banking77 DIRECTORY [--seeds 10] [--rounds 5]

A linear model learns 40 % of the part train. In each round people decide 5 % of the rest: once the
tickets that the model doubts most, and beside it as many drawn at random, for a model of its own.
Both learn again from the base with all that is known (replay). The part test says how right they
are. A table of the mean accuracy after each round, then one line of JSON with the paired 95 %
interval of the last difference, over seeds and tickets.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.samples import read_part
from classifier.calibration import softmax
from training.linear.version import fit_linear
from training.near_duplicates import group_near_duplicates
from training.paired import paired_interval
from training.samples import Sample

FIRST, ROUND = 0.4, 0.05
"""Shares of the part train: learned at first, and decided in each round."""
ARMS = ("doubted", "random")
Right = NDArray[np.bool_]


def main() -> None:
    """Measure seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--banking77", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    train, test = (read_part(options.banking77, part) for part in ("train", "test"))
    found: dict[str, list[list[Right]]] = {arm: [] for arm in ARMS}
    for seed in range(options.seeds):
        began = time.perf_counter()
        for arm in ARMS:
            found[arm].append(rounds(train, test, arm, seed, options.rounds))
        last = {arm: round(float(found[arm][-1][-1].mean()), 4) for arm in ARMS}
        seconds = round(time.perf_counter() - began)
        print(json.dumps({"seed": seed, **last, "seconds": seconds}), flush=True)
    report(found, group_near_duplicates([sample.text for sample in test]))


def rounds(
    train: Sequence[Sample], test: Sequence[Sample], arm: str, seed: int, count: int
) -> list[Right]:
    """Return which test tickets are answered right, at first and after each round.

    Args:
        train: whose labels people would give.
        test: judged on.
        arm: how tickets are chosen, one of ``ARMS``.
        seed: of the first tickets, and of what is drawn.
        count: rounds.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(train))
    step = int(ROUND * len(train))
    known, pool = np.split(order, [int(FIRST * len(train))])
    right = []
    for number in range(count + 1):
        samples = [train[row] for row in known]
        codes = np.array(sorted({sample.unit for sample in samples}))
        weights = fit_linear(samples, seed)
        answers = codes[weights.logits([sample.text for sample in test]).argmax(axis=1)]
        right.append(answers == np.array([sample.unit for sample in test]))
        if number == count:
            break
        chosen = random.permutation(len(pool))[:step]
        if arm == "doubted":
            sure = softmax(weights.logits([train[row].text for row in pool])).max(axis=1)
            chosen = np.argsort(sure, kind="stable")[:step]
        known = np.concatenate([known, pool[chosen]])
        pool = np.delete(pool, chosen)
    return right


def report(found: dict[str, list[list[Right]]], groups: NDArray[np.int64]) -> None:
    """Print the table and the line of JSON."""
    means = {arm: np.mean(found[arm], axis=(0, 2)) for arm in ARMS}
    table = Table("rounds", *ARMS, title="accuracy on the part test, mean over the seeds")
    for number, values in enumerate(zip(*means.values(), strict=True)):
        table.add_row(str(number), *(f"{value:.4f}" for value in values))
    Console(width=100).print(table)
    last = {arm: np.array([one[-1] for one in found[arm]], dtype=np.float64) for arm in ARMS}
    gained = (last["doubted"] - last["random"]).mean(axis=0)
    low, high = paired_interval(gained, groups)
    by_seed = (last["doubted"] - last["random"]).mean(axis=1)
    print(
        json.dumps(
            {
                "seeds": len(by_seed),
                **{arm: np.round(means[arm], 4).tolist() for arm in ARMS},
                "gain": float(gained.mean()),
                "interval": [low, high],
                "by_seed": np.round(by_seed, 4).tolist(),
            }
        )
    )


if __name__ == "__main__":
    main()
