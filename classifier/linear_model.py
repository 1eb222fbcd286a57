"""What a linear model learned, and its two files: n-grams and their scores for each class."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier.manifest import Manifest, damaged
from classifier.ngrams import NGrams, Vocabulary, make_vectorizer, transform
from classifier.tensor_file import check_tensors, read_tensors
from classifier.version_files import read_file
from core.json_text import parse_json

WEIGHTS = "weights.safetensors"
VOCABULARY = "vocabulary.json"


@dataclass(frozen=True)
class LinearWeights:
    """What a linear model learned, for f n-grams and c classes.

    Parameters:
        vocabularies: the f n-grams in column order, a vocabulary for each kind.
        idf: (f,) float32, inverse document frequencies.
        coef: (c, f) float32.
        intercept: (c,) float32.
    """

    vocabularies: tuple[Vocabulary, ...]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, c) scores before temperature and softmax."""
        scores: NDArray[np.float32] = (
            transform(self._vectorizers, texts) @ self._features_by_class + self.intercept
        )
        return scores

    @cached_property
    def _vectorizers(self) -> list[TfidfVectorizer]:
        vectorizers, first = [], 0
        for vocabulary in self.vocabularies:
            columns = {term: column for column, term in enumerate(vocabulary.terms)}
            vectorizer = make_vectorizer(vocabulary.kind, vocabulary=columns)
            vectorizer.idf_ = self.idf[first : first + len(columns)]
            vectorizers.append(vectorizer)
            first += len(columns)
        return vectorizers

    @cached_property
    def _features_by_class(self) -> NDArray[np.float32]:
        # One n-gram's scores lie side by side: the sparse product reads whole cache lines.
        return np.ascontiguousarray(self.coef.T)

    def save(self, directory: Path) -> None:
        """Write both files; an OSError goes to the caller, who knows the version."""
        tensors = {"idf": self.idf, "coef": self.coef, "intercept": self.intercept}
        (directory / WEIGHTS).write_bytes(save_tensors(tensors))
        kinds = [
            {
                "analyzer": vocabulary.kind.analyzer,
                "ngram_range": [vocabulary.kind.shortest, vocabulary.kind.longest],
                "vocabulary": vocabulary.terms,
            }
            for vocabulary in self.vocabularies
        ]
        text = json.dumps({"ngrams": kinds}, ensure_ascii=False)
        # Text from the wild may hold a lone surrogate, and so may an n-gram.
        (directory / VOCABULARY).write_bytes(text.encode("utf-8", "surrogatepass"))

    @classmethod
    def load(cls, directory: Path, manifest: Manifest, classes: int | None = None) -> Self:
        """Read both files.

        Args:
            directory: the version's.
            manifest: the version's.
            classes: how many there are; the manifest's units by default.

        Raises:
            ModelVersionError: a file is missing or changed, or its content does not fit.
        """
        path = directory / WEIGHTS
        tensors = read_tensors(path, read_file(directory, manifest, WEIGHTS), load_tensors)
        vocabularies = _read_vocabularies(directory, manifest)
        features = sum(len(vocabulary.terms) for vocabulary in vocabularies)
        classes = len(manifest.units) if classes is None else classes
        shapes = {"idf": (features,), "coef": (classes, features), "intercept": (classes,)}
        check_tensors(path, tensors, shapes, np.isfinite)
        return cls(vocabularies, **tensors)


def _read_vocabularies(directory: Path, manifest: Manifest) -> tuple[Vocabulary, ...]:
    try:
        content = parse_json(read_file(directory, manifest, VOCABULARY), "surrogatepass")
        if "ngrams" not in content:  # made before there were kinds: n-grams of characters alone
            content = {"ngrams": [{"analyzer": "char", **content}]}
        vocabularies = tuple(_vocabulary(kind) for kind in content["ngrams"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise damaged(directory / VOCABULARY, f"not a vocabulary ({error!r})") from error
    if not all(vocabulary.terms for vocabulary in vocabularies) or not vocabularies:
        raise damaged(directory / VOCABULARY, "has no n-grams")
    if any(len(set(one.terms)) < len(one.terms) for one in vocabularies):
        raise damaged(directory / VOCABULARY, "lists an n-gram twice")
    return vocabularies


def _vocabulary(content: Mapping[str, Any]) -> Vocabulary:
    shortest, longest = map(int, content["ngram_range"])
    kind = NGrams(content["analyzer"], shortest, longest)
    return Vocabulary(kind, tuple(map(str, content["vocabulary"])))
