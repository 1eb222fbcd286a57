"""The threshold rule: which answers are routed without a person, and what that promises.

With a confidence of 90 %, of the routed tickets at most a share ``error_target`` is wrong: for
tickets like the held-out ones, each group of near-duplicates counted once.

Learn then Test (Angelopoulos, Bates, Candès, Jordan & Lei, 2021) with fixed-sequence testing: each
threshold of a grid has the hypothesis that answers at or above it err more often than the target,
and an exact binomial p-value against it. We walk from strict thresholds to loose ones and stop
where a hypothesis stands. A walk may begin anew: each start has its part of the level of 10 %, and
a walk that comes to the next start takes its part along (the fallback procedure: Wiens & Dmitrienko
2005). So one wrong answer at the top does not hold all back.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import binom

from classifier.calibration import HOLD_ALL
from classifier.interface import PROBABILITY_DECIMALS
from classifier.manifest import Calibration
from core.proportion import upper_bound

CONFIDENCE = 0.9
STARTS = 2
"""Measured: one start is held back by a single wrong answer, three have too little of the level."""

_LEVEL = 1 - CONFIDENCE
# Even steps of the log-odds from 1 - 1e-6, the highest under 1, to 0.001: fine near 1, where a
# model's answers are. Fixed beforehand: no label and no answer moves it.
_LOG_ODDS = np.arange(13.8, -7, -0.1)
GRID = np.unique(np.append(expit(_LOG_ODDS).round(PROBABILITY_DECIMALS), [0.0, 1.0]))[::-1]
"""(thresholds,) from the strictest to 0."""
# A promise of fewer errors would need millions of answers.
_LOWEST_TARGET = 1e-6
# How many answers a promise needs is looked for up to so many times the fewest that could do.
_MOST = 100


@dataclass(frozen=True, slots=True)
class Promise:
    """A threshold, and how the held-out answers bear it out.

    Parameters:
        threshold: answers with at least this probability are routed; ``HOLD_ALL`` for none.
        coverage: share of the held-out answers that are routed.
        error: share of wrong answers among the routed; None where there are none.
        bound: upper confidence bound of ``error`` (``core.proportion``); None likewise.
        needed: where all is held back for want of answers, how many a promise needs at least.
    """

    threshold: float
    coverage: float
    error: float | None = None
    bound: float | None = None
    needed: int | None = None


def find_threshold(
    probability: NDArray[np.float64],
    correct: NDArray[np.bool_],
    error_target: float,
    routed: NDArray[np.bool_] | None = None,
) -> Promise:
    """Return the lowest threshold that keeps the error target with confidence.

    The answers must not have chosen anything, and no two of them be near-duplicates.

    Args:
        probability: (n,) of the held-out answers, rounded as serving rounds.
        correct: (n,), whether each was right.
        error_target: share of wrong answers to accept among the routed, 0 to 1.
        routed: (n,), which answers nothing else holds back, such as ``no_unit``; by default all.
    """
    accepted, wrong = _counts(probability, correct, routed)
    if error_target >= 1:  # all may be wrong: nothing is to be tested
        place: int | None = len(GRID) - 1
    else:
        place = _walk(accepted, wrong, error_target)
    if place is None:
        needed = answers_needed(probability, correct, error_target, routed)
        return Promise(HOLD_ALL, 0.0, needed=needed)
    n, k = int(accepted[place]), int(wrong[place])
    return Promise(
        threshold=float(GRID[place]),
        coverage=n / max(len(probability), 1),
        error=k / n if n else None,
        bound=upper_bound(k, n, CONFIDENCE) if n else None,
    )


def fewest_answers(error_target: float) -> int | None:
    """Return how many routed answers a promise needs if all are right; None: too many to have."""
    if error_target < _LOWEST_TARGET:
        return None
    if error_target >= 1:
        return 0
    return math.ceil(math.log(_LEVEL / STARTS) / math.log1p(-error_target))


def answers_needed(
    probability: NDArray[np.float64],
    correct: NDArray[np.bool_],
    error_target: float,
    routed: NDArray[np.bool_] | None = None,
) -> int | None:
    """Return how many answers a promise needs that come out as these did; None: none would do.

    For the arguments see ``find_threshold``.
    """
    fewest = fewest_answers(error_target)
    if not fewest:
        return fewest
    accepted, wrong = _counts(probability, correct, routed)
    some = accepted > 0
    share, error = accepted[some] / len(probability), wrong[some] / accepted[some]
    counts = np.unique(np.geomspace(fewest, fewest * _MOST, 400).astype(np.int64))
    passing = binom.cdf(np.ceil(error[:, None] * counts), counts, error_target) <= _LEVEL / STARTS
    would = passing.any(axis=1)
    wanted = np.ceil(counts[passing.argmax(axis=1)] / share)[would]
    if len(wanted):
        return max(int(wanted.min()), fewest)
    return fewest if len(probability) < fewest else None


def promise_line(calibration: Calibration) -> str:
    """Return what a calibration promises, in one line for people."""
    target = f"{calibration.error_target:.2%}"
    if calibration.threshold < HOLD_ALL:
        bound = calibration.error_bound
        promised = "" if bound is None else f"with {CONFIDENCE:.0%} confidence, at most {bound:.2%}"
        return (
            f"{calibration.coverage:.1%} of tickets like the held-out ones are routed without a "
            f"person; {promised or 'any number'} of these wrong (target {target})"
        )
    if calibration.needed is not None:
        return (
            f"all is held back: to promise at most {target} errors, the threshold needs at least "
            f"{calibration.needed:,} held-out tickets of its own (near-duplicates count once), and "
            f"there are {calibration.held_out:,}: add labelled tickets, or accept more errors"
        )
    if calibration.error_target < _LOWEST_TARGET:
        return "all is held back: that hardly any answer is wrong cannot be promised"
    return (
        f"all is held back: of {calibration.held_out:,} held-out tickets more than {target} are "
        "answered wrong, or nearly so, even where the model is surest"
    )


def _counts(
    probability: NDArray[np.float64],
    correct: NDArray[np.bool_],
    routed: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each threshold of the grid how many answers it accepts, and how many are wrong."""
    if routed is not None:
        probability, correct = probability[routed], correct[routed]
    order = np.argsort(-probability, kind="stable")
    accepted = np.searchsorted(-probability[order], -GRID, side="right")
    wrong = np.append(0, np.cumsum(~correct[order]))
    return accepted, wrong[accepted]


def _walk(accepted: NDArray[np.int64], wrong: NDArray[np.int64], error_target: float) -> int | None:
    """Return the place in the grid of the loosest threshold that passes; None where none does.

    Of thresholds that accept the same answers it is the strictest.
    """
    fewest = fewest_answers(error_target)
    if fewest is None:
        return None
    p_values = binom.cdf(wrong, accepted, error_target)
    starts = _starts(accepted, fewest)
    passed, level = None, 0.0
    for place, p_value in enumerate(p_values.tolist()):
        level += starts.count(place) * _LEVEL / STARTS
        if 0 < level >= p_value:
            passed = place
        else:
            level = 0.0
    return None if passed is None else int(np.argmax(accepted == accepted[passed]))


def _starts(accepted: NDArray[np.int64], fewest: int) -> list[int]:
    """Return where walks begin: at the fewest answers that could do, and evenly in their logarithm.

    How many answers a threshold accepts decides, and no label.
    """
    most = max(int(accepted[-1]), fewest)
    counts = np.geomspace(fewest, most, STARTS + 1)[:-1]
    return [int(np.argmax(accepted >= count)) for count in counts if accepted[-1] >= count]
