"""Chooses whether a linear model's scores are added to a head's."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import cycle, islice
from statistics import median

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue
from scipy.optimize import minimize_scalar

from classifier.blend import Blend
from classifier.calibration import Floats, fit_temperature
from classifier.engine.engine import Engine
from classifier.interface import Batch
from classifier.linear_model import LinearWeights
from classifier.llm import LlmClassifier
from classifier.manifest import Calibration
from classifier.setup import Answer
from training.adapter.choice import nll
from training.adapter.recipe import AnswerLosses
from training.held_out import HeldOut, split_groups
from training.paired import paired_interval

FOLDS = 5
LEAST_GROUPS = 50
"""Groups of near-duplicates: fewer would fit weight and temperature to chance."""
WEIGHTS = (1e-2, 1e2)
"""The linear model's scores may be much smaller or larger than the head's."""
PASSES = 5
SECONDS = 0.5
"""Of a pass over tickets at least, where what a blend costs is measured."""
BATCH = 256
"""Tickets of a batch, as a worker's."""
ADDED = "a linear model's scores are added to the head's"
_SEED = 42
_ANY = Calibration(
    temperature=1.0, threshold=0.0, error_target=0.0, coverage=1.0, error=0.0, held_out=0
)
"""Only speed is measured by it."""


@dataclass(frozen=True, slots=True)
class Blending:
    """Whether a linear model's scores are added to a head's.

    Parameters:
        weight: of these scores; 0 where they are left out.
        why: a line for people.
        facts: what was measured.
    """

    weight: float
    why: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gain:
    """What a linear model's scores are worth on held-out tickets.

    Parameters:
        weight: of these scores, fitted on all of the tickets.
        temperature: of the sum, likewise.
        blended: negative log-likelihood with them, on tickets that fitted nothing.
        alone: the same of the head alone.
        low: of the 95 % interval of the difference, paired.
        high: of the same.
    """

    weight: float
    temperature: float
    blended: float
    alone: float
    low: float
    high: float

    def __str__(self) -> str:
        """Say it for people."""
        return (
            f"with a linear model's scores at weight {self.weight:.3g} the head's NLL is "
            f"{self.blended:.3f}, without {self.alone:.3f} (difference {self.low:+.3f} to "
            f"{self.high:+.3f}, 95 %)"
        )


def choose_blending(
    head: HeldOut,
    texts: Sequence[str],
    linear: LinearWeights,
    engine: Engine,
    answer: Answer,
    losses: AnswerLosses,
) -> Blending:
    """Add a linear model's scores where they are worth it beyond chance, and cost little.

    Args:
        head: answers to n held-out tickets that may fit and choose.
        texts: of these n.
        linear: learned the same samples as the head, of the same units.
        engine: with the head.
        answer: by the head.
        losses: whether it is chosen at all, and what the scores may cost.
    """
    if losses.blend == "never":
        return Blending(0.0, "no linear model is added to the head (answer.blend)")
    gain = measure_gain(head, linear.logits(texts))
    if losses.blend == "always":
        weight = gain.weight if gain else 1.0
        facts = asdict(gain) if gain else {}
        return Blending(weight, f"{gain or ADDED}: as asked for (answer.blend)", facts)
    if gain is None:
        return Blending(0.0, "no linear model is added to the head: too few held-out tickets")
    facts = asdict(gain)
    if gain.high >= 0:
        return Blending(0.0, f"{gain}: they are left out", facts)
    cost = measure_cost(engine, answer, linear, texts)
    facts["cost"] = cost
    if cost > losses.blend_cost:
        limit = f"more than {losses.blend_cost:.1%} (answer.blend_cost)"
        why = f"{gain}: they are left out, for they cost {cost:.1%} of tickets/s, {limit}"
        return Blending(0.0, why, facts)
    return Blending(gain.weight, f"{gain}: they are added, at {cost:.1%} of tickets/s", facts)


def measure_gain(head: HeldOut, linear: Floats) -> Gain | None:
    """Fit a weight, and say what it is worth on tickets that did not fit it (cross-fitting).

    Args:
        head: answers to n tickets, which may fit and choose.
        linear: (n, units) the linear model's scores of the same units.

    Returns:
        None where there are too few groups of near-duplicates.
    """
    if len(np.unique(head.groups)) < LEAST_GROUPS:
        return None
    losses = np.zeros((2, len(head)))
    for fitting, judged in _folds(head.groups):
        known, rest = head.take(fitting), head.take(judged)
        weight = _fit_weight(known, linear[fitting])
        for row, one in enumerate((weight, 0.0)):
            temperature = fit_temperature(*_blended(known, linear[fitting], one))
            logits, _ = _blended(rest, linear[judged], one)
            losses[row, judged] = nll(replace(rest, logits=logits), temperature)
    blended, alone = losses
    low, high = paired_interval(blended - alone, head.groups)
    weight = _fit_weight(head, linear)
    temperature = fit_temperature(*_blended(head, linear, weight))
    return Gain(weight, temperature, float(blended.mean()), float(alone.mean()), low, high)


def measure_cost(
    engine: Engine, answer: Answer, linear: LinearWeights, texts: Sequence[str]
) -> float:
    """Return the share of tickets/s that a linear model's scores cost.

    On a GPU they are computed while it reads, so the same tickets are answered with and without, by
    turns. On the CPU the two follow each other, and each is timed by itself.

    Args:
        engine: with the head.
        answer: by the head.
        linear: a model of the taught units.
        texts: tickets to answer, over and over.
    """
    alone, blended = (
        LlmClassifier("blend", engine, _ANY, answer=answer, blend=blend)
        for blend in (None, Blend(linear, answer.taught, 1.0))
    )
    on_gpu = engine.backbone.device.type == "cuda"
    some = _batches(list(islice(cycle(texts), 2 * BATCH if on_gpu else BATCH // 8)), answer)
    for classifier in (alone, blended):
        _seconds(classifier, some)  # warms up
    some *= max(1, int(SECONDS / _seconds(alone, some)))
    if on_gpu:
        return 1 - median(_seconds(alone, some) / _seconds(blended, some) for _ in range(PASSES))
    reading = median(_seconds(alone, some) for _ in range(PASSES))
    adding = median(
        _timed(lambda: [linear.logits(batch.texts) for batch in some]) for _ in range(PASSES)
    )
    return adding / (reading + adding)


def _batches(texts: Sequence[str], answer: Answer) -> list[Batch]:
    """Return batches as a worker's, of units that the head has rows for."""
    units = frozenset(answer.taught)
    parts = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
    return [Batch(part, [units] * len(part)) for part in parts]


def _seconds(classifier: LlmClassifier, batches: Sequence[Batch]) -> float:
    return _timed(lambda: list(classifier.classify_batches(batches)))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _folds(groups: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the rows that fit and those that are judged, of each fold; none divides a group."""
    left, folds = np.arange(len(groups)), []
    for folds_left in range(FOLDS, 1, -1):
        own, others = split_groups(groups[left], 1 / folds_left, _SEED)
        folds.append(left[own])
        left = left[others]
    folds.append(left)
    everything = np.arange(len(groups))
    return [(np.setdiff1d(everything, fold), fold) for fold in folds]


def _fit_weight(head: HeldOut, linear: Floats) -> float:
    """Return the weight with the least negative log-likelihood, each with its own temperature."""

    def loss(log_weight: float) -> float:
        logits, labels = _blended(head, linear, float(np.exp(log_weight)))
        temperature = fit_temperature(logits, labels)
        return float(nll(replace(head, logits=logits), temperature).mean())

    bounds = tuple(np.log(WEIGHTS))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x))


def _blended(head: HeldOut, linear: Floats, weight: float) -> tuple[Floats, NDArray[np.int64]]:
    logits: Floats = head.logits + weight * linear
    return logits, head.labels
