"""The scores of belonging that ``bench.no_unit`` compares, the simplest first."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.belonging import energy, highest_probability
from classifier.calibration import Floats, fit_temperature, softmax

Arrays = Mapping[str, NDArray[Any]]
Scores = dict[str, NDArray[np.float64]]
"""A part ("held", "known", "strangers") -> its tickets' scores, the higher the more at home."""
ASKED = ("held", "known", "strangers")
MODELS = ("linear", "head", "names")
PLAIN = "probability"
NEIGHBOURS = 10
_CHUNK = 512


def _not_calibrated(logits: Floats, temperature: float) -> NDArray[np.float64]:
    del temperature
    return highest_probability(logits, 1.0)


def _highest_logit(logits: Floats, temperature: float) -> NDArray[np.float64]:
    """Vaze et al., "Open-Set Recognition: A Good Closed-Set Classifier Is All You Need?", 2022."""
    del temperature
    return np.asarray(logits.max(axis=1), dtype=np.float64)


def _margin(logits: Floats, temperature: float) -> NDArray[np.float64]:
    del temperature
    second, first = np.partition(logits, -2, axis=1)[:, -2:].T
    return np.asarray(first - second, dtype=np.float64)


def _entropy(logits: Floats, temperature: float) -> NDArray[np.float64]:
    chances = softmax(logits, temperature)
    return np.asarray((chances * np.log(chances + 1e-300)).sum(axis=1))


def _calibrated_energy(logits: Floats, temperature: float) -> NDArray[np.float64]:
    return energy(np.asarray(logits, dtype=np.float64) / temperature, 1.0)


FROM_LOGITS: dict[str, Callable[[Floats, float], NDArray[np.float64]]] = {
    PLAIN: highest_probability,
    "probability, T = 1": _not_calibrated,
    "highest logit": _highest_logit,
    "margin": _margin,
    "entropy": _entropy,
    "energy": energy,
    "energy, by T": _calibrated_energy,
}


class Means:
    """The units' means among (n, width) vectors, and what the vectors share around them."""

    def __init__(self, vectors: Floats, labels: NDArray[np.int64]) -> None:
        self.vectors = vectors
        units, numbers = np.unique(labels, return_inverse=True)
        sums = np.zeros((len(units), vectors.shape[1]))
        np.add.at(sums, numbers, vectors)
        self.means = sums / np.bincount(numbers)[:, None]
        self.spread = np.cov((vectors - self.means[numbers]).T)

    def euclid(self, asked: Floats) -> NDArray[np.float64]:
        """Return the negative distance to the nearest mean."""
        return np.asarray(-_distances(asked, self.means).min(axis=1))

    def cosine(self, asked: Floats) -> NDArray[np.float64]:
        """Return the cosine to the nearest mean."""
        return np.asarray((_unit(asked) @ _unit(self.means).T).max(axis=1))

    def mahalanobis(self, asked: Floats) -> NDArray[np.float64]:
        """Return the negative distance by one covariance for all units.

        Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
        Adversarial Attacks", NeurIPS 2018.
        """
        width = len(self.spread)
        ridge = 1e-3 * np.trace(self.spread) / width  # some directions hold next to nothing
        factor = np.linalg.cholesky(np.linalg.inv(self.spread + ridge * np.eye(width)))
        return np.asarray(-_distances(asked @ factor, self.means @ factor).min(axis=1))

    def neighbours(self, asked: Floats) -> NDArray[np.float64]:
        """Return the cosine to the tenth nearest vector.

        Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022.
        """
        known, place = _unit(self.vectors), max(0, len(self.vectors) - NEIGHBOURS)
        near = [
            np.partition(_unit(asked[at : at + _CHUNK]) @ known.T, place, axis=1)[:, place]
            for at in range(0, len(asked), _CHUNK)
        ]
        return np.concatenate(near).astype(np.float64)


def _distances(a: Floats, b: Floats) -> NDArray[np.float64]:
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float64)


# Vectors -> the parts whose means are taken. The logits of learned tickets are surer than any.
FROM_VECTORS = {"tfidf": ("learned",), "hidden": ("learned", "held"), "linear": ("held",)}


def all_scores(arrays: Arrays) -> dict[str, Scores]:
    """Return every score that a draw's arrays allow, by "what: score"."""
    models = [model for model in MODELS if f"held_{model}" in arrays]
    labels = arrays["held_labels"]
    heat = {model: fit_temperature(arrays[f"held_{model}"], labels) for model in models}
    found: dict[str, Scores] = {}
    for model in models:
        for name, score in FROM_LOGITS.items():
            values = {part: score(arrays[f"{part}_{model}"], heat[model]) for part in ASKED}
            found[f"{model}: {name}"] = values
    for kind, sources in FROM_VECTORS.items():
        for source in sources:
            if f"{source}_{kind}" in arrays:
                found |= _by_means(arrays, kind, source)
    chances = {
        model: {part: softmax(arrays[f"{part}_{model}"], heat[model]) for part in ASKED}
        for model in models
    }
    for count in range(2, len(models) + 1):
        for some in combinations(models, count):
            found |= _together(some, [chances[model] for model in some])
    return found


def _by_means(arrays: Arrays, kind: str, source: str) -> dict[str, Scores]:
    means = Means(arrays[f"{source}_{kind}"].astype(np.float64), arrays[f"{source}_labels"])
    where = {"tfidf": "TF-IDF", "hidden": f"hidden, {source}", "linear": "linear's logits"}[kind]
    ways = {
        "nearest mean": means.euclid,
        "nearest mean, cosine": means.cosine,
        "nearest mean, Mahalanobis": means.mahalanobis,
        f"neighbour {NEIGHBOURS}": means.neighbours,
    }
    asked = {part: arrays[f"{part}_{kind}"].astype(np.float64) for part in ASKED}
    return {
        f"{where}: {name}": {part: way(vectors) for part, vectors in asked.items()}
        for name, way in ways.items()
    }


def _together(models: Sequence[str], chances: Sequence[Scores]) -> dict[str, Scores]:
    """Return how far models agree, and how sure they are together."""
    name = " + ".join(models)
    agreement, together = {}, {}
    for part in ASKED:
        rows = np.stack([one[part] for one in chances])
        mean = rows.mean(axis=0)
        together[part] = np.asarray(mean.max(axis=1))
        # Jensen-Shannon divergence: the entropy of the mean over the mean of the entropies.
        agreement[part] = np.asarray(_told(mean) - _told(rows).mean(axis=0))
    return {f"{name}: agreement": agreement, f"{name}: mean probability": together}


def _told(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the negative entropy of probabilities on the last axis."""
    return np.asarray((chances * np.log(chances + 1e-300)).sum(axis=-1))
