"""The threshold rule on draws from a pool of scored tickets, whose own error is the truth."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import HOLD_ALL
from training.promise import answers_needed, find_threshold

ANSWERS = (200, 500, 1_000)
TARGETS = (0.03, 0.05, 0.1)
SEED = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers to n tickets that it did not learn.

    Parameters:
        probability: (n,), rounded as serving rounds.
        correct: (n,), whether each is right.
    """

    probability: NDArray[np.float64]
    correct: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> "Answers":
        """Return the answers in these rows."""
        return Answers(self.probability[rows], self.correct[rows])


Threshold = Callable[[Answers, float], float]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a rule did in all draws.

    Parameters:
        broken: share of draws whose threshold routes with more errors than the target.
        coverage: mean share of routed answers.
        held_all: share of draws in which all is held back.
    """

    broken: float
    coverage: float
    held_all: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Both rules, for one pool, number of answers and target.

    Parameters:
        needed: answers that a promise needs if they come out as the pool does; None: none would do.
        best: the coverage of the lowest threshold that keeps the target in the pool.
    """

    pool: str
    n: int
    target: float
    needed: int | None
    best: float
    old: Kept
    new: Kept


def measure_rule(pools: Mapping[str, Answers], draws: int) -> list[Rule]:
    """Return what both rules do on draws from each pool."""
    return [
        Rule(
            name,
            n,
            target,
            answers_needed(pool.probability, pool.correct, target),
            float((pool.probability >= old_threshold(pool, target)).mean()),
            _kept(pool, n, target, draws, old_threshold),
            _kept(pool, n, target, draws, new_threshold),
        )
        for name, pool in pools.items()
        for n in ANSWERS
        for target in TARGETS
    ]


def new_threshold(answers: Answers, target: float) -> float:
    """Return the threshold that training sets."""
    return find_threshold(answers.probability, answers.correct, target).threshold


def old_threshold(answers: Answers, target: float) -> float:
    """Return the lowest threshold whose accepted answers err at most as often as the target."""
    order = np.argsort(-answers.probability, kind="stable")
    descending = answers.probability[order]
    errors = np.cumsum(~answers.correct[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(descending[1:] != descending[:-1], True)[: len(order)]
    cuts = np.flatnonzero(last_of_equals & (errors <= target))
    return float(descending[cuts[-1]]) if len(cuts) else HOLD_ALL


def _kept(pool: Answers, n: int, target: float, draws: int, rule: Threshold) -> Kept:
    rng = np.random.default_rng(SEED)
    rows = (rng.integers(0, len(pool.correct), n) for _ in range(draws))
    return kept(pool, (rule(pool.take(some), target) for some in rows), target)


def kept(truth: Answers, thresholds: Iterable[float], target: float) -> Kept:
    """Return what thresholds do to answers whose errors are taken for the truth."""
    order = np.argsort(-truth.probability, kind="stable")
    wrong = np.append(0, np.cumsum(~truth.correct[order]))
    found = np.searchsorted(-truth.probability[order], -np.array(list(thresholds)), side="right")
    broken = wrong[found] > target * found
    return Kept(float(broken.mean()), float(found.mean() / len(order)), float((found == 0).mean()))
