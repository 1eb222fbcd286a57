"""N-grams of a text, weighted by TF-IDF: what the linear model reads of a ticket.

Chinese is written without spaces: n-grams of characters need no words. Where words have spaces
between them, n-grams of words and of the characters inside a word tell more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

Analyzer = Literal["char", "char_wb", "word"]


@dataclass(frozen=True, slots=True)
class NGrams:
    """A kind of n-grams.

    Parameters:
        analyzer: ``char``, ``char_wb`` (characters inside a word, a space at its ends) or
            ``word`` (of two letters or more), as scikit-learn has them.
        shortest: the fewest of them in an n-gram, from 1.
        longest: the most.

    Raises:
        ValueError: there are no such n-grams.
    """

    analyzer: Analyzer
    shortest: int
    longest: int

    def __post_init__(self) -> None:
        """Refuse what no vectorizer can be made of."""
        if self.analyzer not in get_args(Analyzer) or not 1 <= self.shortest <= self.longest:
            raise ValueError(f"no n-grams {self}")

    def __str__(self) -> str:
        """Return the form in which a training tells of them, such as ``char 1-2``."""
        return f"{self.analyzer} {self.shortest}-{self.longest}"


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams of a kind that a model knows, in the order of their columns."""

    kind: NGrams
    terms: tuple[str, ...]


def make_vectorizer(kind: NGrams, **options: Any) -> TfidfVectorizer:
    """Return the vectorizer that training fits and serving rebuilds: one place for its options.

    Its rows have length 1, so each kind has the same say in a model of several.
    """
    return TfidfVectorizer(
        analyzer=kind.analyzer,
        ngram_range=(kind.shortest, kind.longest),
        sublinear_tf=True,
        dtype=np.float32,
        **options,
    )


def transform(vectorizers: Sequence[TfidfVectorizer], texts: Sequence[str]) -> csr_matrix:
    """Return the (texts, n-grams) float32 matrix, the columns of each vectorizer side by side."""
    return hstack([vectorizer.transform(texts) for vectorizer in vectorizers], format="csr")
