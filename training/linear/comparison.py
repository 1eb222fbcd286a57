"""Which of several models answers best what each of them held out: one score, with its noise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from classifier.calibration import Floats, fit_temperature, softmax
from training.linear.data import Labels
from training.linear.folds import TRAIN_ONLY

DRAWS = 200
"""Bootstrap draws: a standard error within 5 % of itself."""
HOPELESS = 2.0
"""Who is this many standard errors behind after a fold runs in no other."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a candidate compares to the best of its race.

    Parameters:
        score: mean of accuracy and macro-F1.
        behind: by how much the best candidate's score is higher.
        error: standard error of that difference, by a paired bootstrap.
    """

    score: float
    behind: float
    error: float


def race(
    candidates: Sequence[str],
    labels: Labels,
    folds: Labels,
    answer: Callable[[Sequence[str], int], Sequence[NDArray[np.float32]]],
    seed: int,
) -> dict[str, NDArray[np.float32]]:
    """Return the held-out logits, fold after fold, of the candidates that were never hopeless.

    A race saves what successive halving saves, and drops by evidence instead of by rank (Maron &
    Moore, "Hoeffding Races", NIPS 1993).

    Args:
        candidates: the names of those to compare.
        labels: (n,) class numbers.
        folds: (n,) the fold that holds each sample out, or ``TRAIN_ONLY``.
        answer: returns each candidate's (held out, classes) logits of a fold.
        seed: of the bootstrap.
    """
    answers: dict[str, list[NDArray[np.float32]]] = {one: [] for one in candidates}
    asked: list[Labels] = []
    for fold in np.unique(folds[folds != TRAIN_ONLY]).tolist():
        asked.append(labels[folds == fold])
        for candidate, logits in zip(answers, answer(list(answers), fold), strict=True):
            answers[candidate].append(logits)
        so_far = {candidate: np.concatenate(some) for candidate, some in answers.items()}
        places = standings(so_far, np.concatenate(asked), seed)
        answers = {
            candidate: answers[candidate]
            for candidate, place in places.items()
            if place.behind <= HOPELESS * place.error
        }
    return {candidate: so_far[candidate] for candidate in answers}


def standings(answers: Mapping[str, Floats], labels: Labels, seed: int) -> dict[str, Standing]:
    """Compare candidates by their (n, classes) logits of the same n held-out samples."""
    n = len(labels)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), DRAWS)
    weights = np.concatenate([np.ones((1, n)), counts])
    scores = {
        candidate: np.mean(
            drawn_scores(logits.argmax(axis=1), labels, logits.shape[1], weights), axis=0
        )
        for candidate, logits in answers.items()
    }
    best = max(scores.values(), key=lambda drawn: float(drawn[0]))
    found = {}
    for candidate, drawn in scores.items():
        behind = best - drawn
        found[candidate] = Standing(float(drawn[0]), float(behind[0]), float(behind[1:].std()))
    return found


def choose(answers: Mapping[str, Floats], labels: Labels, places: Mapping[str, Standing]) -> str:
    """Return the first that is within a standard error of the best, in score and then in loss.

    The one-standard-error rule of Breiman et al., "Classification and Regression Trees", 1984: what
    the score cannot tell apart is told apart by its probabilities, on which coverage depends. What
    these cannot tell apart either goes by the order, so the simpler should come first.

    Args:
        answers: (n, classes) logits by candidate.
        labels: (n,) class numbers.
        places: of the candidates, see ``standings``.
    """
    near = {
        name: _losses(answers[name], labels)
        for name, place in places.items()
        if place.behind <= place.error
    }
    best = min(near.values(), key=lambda losses: float(losses.mean()))
    for name, losses in near.items():
        excess = losses - best
        if excess.mean() <= excess.std() / np.sqrt(len(excess)):
            return name
    raise AssertionError("the best is within its own error")


def drawn_scores(
    answers: Labels, labels: Labels, classes: int, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return accuracy and macro-F1, each (draws,).

    Args:
        answers: (n,) class numbers.
        labels: (n,) class numbers.
        classes: how many there are; macro-F1 is over those that were asked or answered.
        weights: (draws, n), how often a draw has each sample.
    """
    rows, right = np.arange(len(labels)), np.flatnonzero(answers == labels)
    hits = weights @ _indicator(right, labels[right], (len(labels), classes))
    total = weights @ (
        _indicator(rows, labels, (len(labels), classes))
        + _indicator(rows, answers, (len(labels), classes))
    )
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    macro_f1: NDArray[np.float64] = f1.sum(axis=1) / (total > 0).sum(axis=1)
    return hits.sum(axis=1) / weights.sum(axis=1), macro_f1


def _indicator(rows: Labels, columns: Labels, shape: tuple[int, int]) -> csr_matrix:
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def _losses(logits: Floats, labels: Labels) -> NDArray[np.float64]:
    """Return (n,) negative log-likelihoods at the best temperature of these answers."""
    probabilities = softmax(logits, fit_temperature(logits, labels))
    right = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    losses: NDArray[np.float64] = -np.log(np.maximum(right, np.finfo(np.float64).tiny))
    return losses
