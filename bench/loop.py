"""Whether learning from what people decide is worth more than learning from random tickets.

    python -m bench.loop --banking77 DIRECTORY [--seeds 10] [--rounds 5] [--jobs 1] \
        [--base DIRECTORY [--recipe FILE.toml] [--gpus 0,1]]

A model learns 40 % of the part train: the linear one, or with ``--base`` an LLM. In each round
people decide 5 % of the rest: once the tickets that the model doubts most, and beside it as many
drawn at random, for a model of its own. Both learn again from the base with all that is known
(replay). The part test says how right they are. ``--jobs`` arms of seeds learn at once, each on
one of ``--gpus``. A table of the mean accuracy after each round and of its minutes, then one line
of JSON with the paired 95 % interval of the last difference, over seeds and tickets.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.samples import read_part
from classifier.calibration import Floats, softmax
from training.linear.version import fit_linear
from training.near_duplicates import group_near_duplicates
from training.paired import paired_interval
from training.samples import Sample

FIRST, ROUND = 0.4, 0.05
"""Shares of the part train: learned at first, and decided in each round."""
ARMS = ("doubted", "random")
Scores = Callable[[Sequence[str]], tuple[Floats, Sequence[str]]]
"""Gives (n, units) logits of n texts, and the units' codes."""


@dataclass(frozen=True)
class Round:
    """What a model is worth.

    Parameters:
        right: (n,) which test tickets it answers right.
        minutes: of its training, and of its answers.
    """

    right: NDArray[np.bool_]
    minutes: float


def main() -> None:
    """Measure the arms of each seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--banking77", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="models that learn at once")
    parser.add_argument("--base", type=Path, help="of an LLM; without it the linear model learns")
    parser.add_argument("--recipe", type=Path, help="over the base's own")
    parser.add_argument("--gpus", help="their numbers, of which each job takes one")
    options = parser.parse_args()
    train, test = (read_part(options.banking77, part) for part in ("train", "test"))
    learn = partial(learn_llm, options.base, options.recipe) if options.base else learn_linear
    one = partial(_arm, learn, train, test, options.rounds, options.jobs)
    found: dict[tuple[str, int], list[Round]] = {}
    asked = [(arm, seed) for seed in range(options.seeds) for arm in ARMS]
    context = get_context("spawn")
    gpus = context.SimpleQueue()
    for gpu, _ in zip(cycle((options.gpus or "").split(",")), range(options.jobs), strict=False):
        gpus.put(gpu)
    with ProcessPoolExecutor(options.jobs, context, _take_gpu, (gpus,)) as pool:
        waiting = {pool.submit(one, arm, seed): (arm, seed) for arm, seed in asked}
        for done in as_completed(waiting):
            arm, seed = waiting[done]
            found[arm, seed] = done.result()
            last = round(float(found[arm, seed][-1].right.mean()), 4)
            print(json.dumps({"seed": seed, "arm": arm, "accuracy": last}), flush=True)
    by_arm = {arm: [found[arm, seed] for seed in range(options.seeds)] for arm in ARMS}
    facts = {"seeds": options.seeds, "learns": options.base.name if options.base else "linear"}
    report(by_arm, group_near_duplicates([sample.text for sample in test]), facts)


def _take_gpu(gpus: "SimpleQueue[str]") -> None:
    """Keep a job's process to one GPU; CUDA has not begun there."""
    if gpu := gpus.get():
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu


def _arm(
    learn: Callable[[Sequence[Sample], int], Scores],
    train: Sequence[Sample],
    test: Sequence[Sample],
    count: int,
    jobs: int,
    arm: str,
    seed: int,
) -> list[Round]:
    cores = max(1, (os.cpu_count() or 1) // jobs)
    os.environ["LOKY_MAX_CPU_COUNT"] = str(cores)  # of this process: what joblib takes them to be
    return rounds(learn, train, test, arm, seed, count)


def rounds(
    learn: Callable[[Sequence[Sample], int], Scores],
    train: Sequence[Sample],
    test: Sequence[Sample],
    arm: str,
    seed: int,
    count: int,
) -> list[Round]:
    """Return what the model is worth at first and after each round.

    Args:
        learn: trains a model on samples, with a seed.
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
    found = []
    for number in range(count + 1):
        began = time.perf_counter()
        scores = learn([train[row] for row in known], seed)
        logits, codes = scores([sample.text for sample in test])
        answers = np.array(codes)[logits.argmax(axis=1)]
        right = answers == np.array([sample.unit for sample in test])
        chosen = random.permutation(len(pool))[:step]
        if arm == "doubted" and number < count:
            sure = softmax(scores([train[row].text for row in pool])[0]).max(axis=1)
            chosen = np.argsort(sure, kind="stable")[:step]
        known = np.concatenate([known, pool[chosen]])
        pool = np.delete(pool, chosen)
        found.append(Round(right, (time.perf_counter() - began) / 60))
        told = f"{arm}, seed {seed}, round {number}: {right.mean():.4f}"
        print(f"{told}, {found[-1].minutes:.2f} min", file=sys.stderr, flush=True)
    return found


def learn_linear(samples: Sequence[Sample], seed: int) -> Scores:
    """Train a linear model."""
    weights = fit_linear(samples, seed)
    codes = sorted({sample.unit for sample in samples})
    return lambda texts: (weights.logits(texts), codes)


def learn_llm(base: Path, recipe: Path | None, samples: Sequence[Sample], seed: int) -> Scores:
    """Train an LLM's version, which answers as it chose to."""
    import training.adapter.unsloth_first  # noqa: F401

    # isort: split

    from bench.head import Lines, seeded
    from classifier.labels.template import PromptUnit
    from classifier.llm import LlmClassifier
    from classifier.model.bases.entries import BASES, add_base
    from training.adapter.preparation import recipe_for
    from training.adapter.version import train_llm

    units = [
        PromptUnit(unit, unit.replace("_", " ")) for unit in sorted({one.unit for one in samples})
    ]
    with tempfile.TemporaryDirectory(prefix="paidan-loop-") as folder:
        added = add_base(str(base), Path(folder) / BASES)
        version = train_llm(
            samples,
            units,
            added,
            models_dir=Path(folder),
            progress=Lines(),
            recipe=seeded(recipe_for(added, recipe), seed),
        )
        classifier = LlmClassifier.load(version.path)

    def scores(texts: Sequence[str]) -> tuple[Floats, Sequence[str]]:
        found = classifier.raw_scores(texts)
        return found.logits, found.codes

    return scores


def report(
    found: dict[str, list[list[Round]]], groups: NDArray[np.int64], facts: dict[str, object]
) -> None:
    """Print the table and the line of JSON."""
    means = {arm: _means(lambda one: float(one.right.mean()), found[arm]) for arm in ARMS}
    minutes = {arm: _means(lambda one: one.minutes, found[arm]) for arm in ARMS}
    headings = [f"{arm}, {what}" for what in ("accuracy", "min") for arm in ARMS]
    table = Table("rounds", *headings, title="on the part test, means over the seeds")
    columns = zip(*means.values(), *minutes.values(), strict=True)
    for number, values in enumerate(columns):
        table.add_row(str(number), *(f"{value:.4f}" for value in values))
    Console(width=100).print(table)
    last = {arm: np.array([one[-1].right for one in found[arm]], dtype=np.float64) for arm in ARMS}
    differences = last["doubted"] - last["random"]
    gained = differences.mean(axis=0)
    low, high = paired_interval(gained, groups)
    shown = {
        **facts,
        **{arm: [round(mean, 4) for mean in means[arm]] for arm in ARMS},
        "minutes": {arm: [round(mean, 2) for mean in minutes[arm]] for arm in ARMS},
        "gain": float(gained.mean()),
        "interval": [low, high],
        "by_seed": np.round(differences.mean(axis=1), 4).tolist(),
    }
    print(json.dumps(shown))


def _means(measure: Callable[[Round], float], seeds: Iterable[Sequence[Round]]) -> list[float]:
    """Return the mean over the seeds after each round."""
    return [float(np.mean([measure(one) for one in same])) for same in zip(*seeds, strict=True)]


if __name__ == "__main__":
    main()
