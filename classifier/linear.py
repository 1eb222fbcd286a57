"""The linear baseline: TF-IDF of character n-grams and logistic regression.

What every adapter must beat, and what answers, marked as degraded, while no GPU is there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier.calibration import softmax
from classifier.decision_rule import DecisionRule
from classifier.interface import Decision, rows_by_allowed, unlearned
from classifier.manifest import Calibration, Manifest, damaged
from classifier.version_files import read_file, read_manifest

WEIGHTS = "weights.safetensors"
VOCABULARY = "vocabulary.json"


def make_vectorizer(ngram_range: tuple[int, int], **options: Any) -> TfidfVectorizer:
    """Return the vectorizer that training fits and serving rebuilds: one place for its options."""
    return TfidfVectorizer(
        analyzer="char",
        ngram_range=ngram_range,
        sublinear_tf=True,
        dtype=np.float32,
        **options,
    )


@dataclass(frozen=True)
class LinearWeights:
    """What a linear model learned, for f n-grams and c classes.

    Parameters:
        ngram_range: lengths of the n-grams in characters, both included.
        vocabulary: the f n-grams in column order.
        idf: (f,) float32, inverse document frequencies.
        coef: (c, f) float32.
        intercept: (c,) float32.
    """

    ngram_range: tuple[int, int]
    vocabulary: tuple[str, ...]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, c) scores before temperature and softmax."""
        scores: NDArray[np.float32] = self._vectorizer.transform(texts) @ self._features_by_class
        return scores + self.intercept

    @cached_property
    def _vectorizer(self) -> TfidfVectorizer:
        columns = {term: column for column, term in enumerate(self.vocabulary)}
        vectorizer = make_vectorizer(self.ngram_range, vocabulary=columns)
        vectorizer.idf_ = self.idf
        return vectorizer

    @cached_property
    def _features_by_class(self) -> NDArray[np.float32]:
        # One n-gram's scores lie side by side: the sparse product reads whole cache lines.
        return np.ascontiguousarray(self.coef.T)

    def save(self, directory: Path) -> None:
        """Write both files; an OSError goes to the caller, who knows the version."""
        tensors = {"idf": self.idf, "coef": self.coef, "intercept": self.intercept}
        (directory / WEIGHTS).write_bytes(save_tensors(tensors))
        content = {"ngram_range": self.ngram_range, "vocabulary": self.vocabulary}
        text = json.dumps(content, ensure_ascii=False)
        # Text from the wild may hold a lone surrogate, and so may an n-gram.
        (directory / VOCABULARY).write_bytes(text.encode("utf-8", "surrogatepass"))

    @classmethod
    def load(cls, directory: Path, manifest: Manifest) -> Self:
        """Read both files.

        Raises:
            ModelVersionError: a file is missing or changed, or its content does not fit.
        """
        try:
            tensors = load_tensors(read_file(directory, manifest, WEIGHTS))
        except SafetensorError as error:
            raise damaged(directory / WEIGHTS, f"not a safetensors file ({error})") from error
        try:
            text = read_file(directory, manifest, VOCABULARY).decode("utf-8", "surrogatepass")
            content = json.loads(text)
            shortest, longest = map(int, content["ngram_range"])
            vocabulary = tuple(map(str, content["vocabulary"]))
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(directory / VOCABULARY, f"not a vocabulary ({error!r})") from error
        if not 1 <= shortest <= longest or not vocabulary:
            raise damaged(directory / VOCABULARY, "has no n-grams")
        if len(set(vocabulary)) < len(vocabulary):
            raise damaged(directory / VOCABULARY, "lists an n-gram twice")
        features, classes = len(vocabulary), len(manifest.units)
        shapes = {"idf": (features,), "coef": (classes, features), "intercept": (classes,)}
        for name, shape in shapes.items():
            _check_tensor(directory / WEIGHTS, name, tensors.get(name), shape)
        return cls((shortest, longest), vocabulary, **{name: tensors[name] for name in shapes})


def _check_tensor(
    path: Path, name: str, tensor: NDArray[Any] | None, shape: tuple[int, ...]
) -> None:
    if tensor is None:
        raise damaged(path, f"has no tensor {name!r}")
    if tensor.dtype != np.float32 or tensor.shape != shape:
        raise damaged(path, f"{name} is {tensor.dtype} {tensor.shape}, float32 {shape} is expected")
    if not np.isfinite(tensor).all():
        raise damaged(path, f"{name} holds values that are not finite")


class LinearClassifier:
    """Answers with a linear model version.

    Parameters:
        manifest: the version's.
        weights: its arrays, classes in the order of ``manifest.units``.
        mapping: learned unit code -> code of the unit that now stands for it. The probabilities
            of units that map to one are summed; a code that is not in it stands for itself.
    """

    kind = "linear"
    token_budget = 65_536

    def __init__(
        self, manifest: Manifest, weights: LinearWeights, mapping: Mapping[str, str] | None = None
    ) -> None:
        self.version = manifest.name
        self._weights = weights
        self._rule = DecisionRule(manifest.name, manifest.codes, manifest.calibration, mapping)
        self.units = self._rule.units

    @classmethod
    def load(cls, directory: Path, mapping: Mapping[str, str] | None = None) -> Self:
        """Open a version.

        Raises:
            ModelVersionError: the directory is damaged; names the file.
        """
        manifest = read_manifest(directory)
        return cls(manifest, LinearWeights.load(directory, manifest), mapping)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        """Answer each text with one of its allowed units (see ``interface.Classifier``)."""
        groups = rows_by_allowed(texts, allowed, top_k)
        if not groups:
            return []
        logits = self._weights.logits(texts)
        if len(groups) == 1:
            return self._decide(logits, allowed[0], top_k)
        decisions: dict[int, Decision] = {}
        for units, rows in groups.items():
            decisions.update(zip(rows, self._decide(logits[rows], units, top_k), strict=True))
        return [decisions[row] for row in range(len(texts))]

    def recalibrate(self, calibration: Calibration) -> None:
        """Decide by another calibration from now on (see ``interface.Classifier``)."""
        self._rule.recalibrate(calibration)

    def _decide(
        self, logits: NDArray[np.float32], allowed: frozenset[str], top_k: int
    ) -> list[Decision]:
        """Turn (n, classes) logits into decisions under one set of allowed units."""
        columns = self._rule.columns(allowed)
        if not columns.learned:
            return [unlearned(allowed, top_k, self.version)] * len(logits)
        probabilities = softmax(logits[:, columns.numbers], self._rule.temperature)
        belonging = self._rule.belonging(logits)
        return self._rule.decide(probabilities, columns, allowed, top_k, belonging)
