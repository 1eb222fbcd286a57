"""Fits the linear model once: n-grams of the texts, and a logistic regression over them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from classifier.ngrams import NGrams, make_vectorizer
from core.errors import InputError
from training.near_duplicates import group_near_duplicates

Labels = NDArray[np.int64]

# Measured: the 20,000 most frequent n-grams answer hotline tickets no worse than all 69,000 of two
# characters do (cross-validated 0.895 and 0.888), in a third of the time.
MAX_NGRAMS = 20_000
# Under so many samples an n-gram seen once is kept: there may be no other.
FEW_SAMPLES = 200

# Beside L-BFGS: twice as fast on 4,000 tickets of 70 units (half as fast on 10,000 questions), and
# without its 20 vectors as long as the model, which took most of the time and memory there.
SOLVER = "newton-cg"
# scikit-learn's tolerance is for a gradient per class, and n classes share the loss: with 500
# units its default of 1e-4 would stop before the first step.
TOLERANCE, TOLERANCE_SHARED = 1e-4, 7e-3


@dataclass(frozen=True)
class Data:
    """n texts and their class numbers, (n,); classes are numbered in the order of unit codes."""

    texts: Sequence[str]
    labels: Labels
    classes: int

    @cached_property
    def groups(self) -> Labels:
        """(n,) group numbers of near-duplicates."""
        return group_near_duplicates(self.texts)

    def take(self, rows: NDArray[np.int64]) -> "Data":
        """Return the samples in these rows."""
        return Data([self.texts[row] for row in rows.tolist()], self.labels[rows], self.classes)


def vectorize(data: Data, ngram_range: tuple[int, int]) -> tuple[TfidfVectorizer, csr_matrix]:
    """Return a fitted vectoriser and the (n, n-grams) matrix of the texts.

    Raises:
        InputError: no n-gram is common enough to learn from.
    """
    vectorizer = make_vectorizer(
        NGrams("char", *ngram_range),
        min_df=1 if len(data.texts) < FEW_SAMPLES else 2,
        max_features=MAX_NGRAMS,
    )
    try:
        matrix = vectorizer.fit_transform(data.texts)
    except ValueError as error:
        raise InputError(
            f"the samples' texts are too short or too different to learn from ({error}): check "
            "which column was imported as the text"
        ) from error
    return vectorizer, matrix


def fit(
    matrix: csr_matrix, labels: Labels, c: float, classes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (classes, n-grams) coefficients and (classes,) intercepts."""
    model = LogisticRegression(
        C=c,
        class_weight="balanced",
        solver=SOLVER,
        tol=min(TOLERANCE, TOLERANCE_SHARED / classes),
    )
    with warnings.catch_warnings():
        # Where the optimiser stops early (at float32's precision the line search may) the model
        # is a little more regularised; the held-out answers, fitted alike, show what that costs.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="(the )?line search")
        model.fit(matrix, labels)
    coef = model.coef_.astype(np.float32)
    intercept = model.intercept_.astype(np.float32)
    if classes == 2:  # scikit-learn keeps one row for two classes
        coef = np.concatenate([np.zeros_like(coef), coef])
        intercept = np.concatenate([np.zeros_like(intercept), intercept])
    return np.ascontiguousarray(coef), intercept
