"""Chooses a linear model's setting by cross-validation, and answers what it held out."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from classifier.linear import make_vectorizer
from core.errors import InputError
from training.linear.folds import TRAIN_ONLY, stratified_folds, stratified_subsample

Progress = Callable[[str], None]
Labels = NDArray[np.int64]

# The grid. Measured: (1, 2) is best on Chinese hotline tickets, (2, 4) on English bank questions.
NGRAM_RANGES = ((1, 2), (1, 3), (2, 4))
FIRST_C = 30.0
OTHER_C = (10.0, 100.0)

# A subsample chooses: this share of the samples, since more of them favour longer n-grams, within
# these bounds.
SELECTION_SHARE = 0.4
SELECTION_MINIMUM, SELECTION_MAXIMUM = 2_000, 8_000
SELECTION_FOLDS = 2
CALIBRATION_FOLDS = 3
# Folds are run until so many answers were held out: 100,000 samples need one fold, not three.
CALIBRATION_ANSWERS = 10_000

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


@dataclass(frozen=True, slots=True)
class Setting:
    """What cross-validation chooses: n-gram lengths and inverse regularisation strength."""

    ngram_range: tuple[int, int]
    c: float


@dataclass(frozen=True)
class Data:
    """n texts and their class numbers, (n,); classes are numbered in the order of unit codes."""

    texts: Sequence[str]
    labels: Labels
    classes: int

    def take(self, rows: NDArray[np.int64]) -> "Data":
        """Return the samples in these rows."""
        return Data([self.texts[row] for row in rows.tolist()], self.labels[rows], self.classes)


def choose_setting(data: Data, seed: int, say: Progress) -> Setting:
    """Return the setting with the best cross-validated accuracy; the n-gram range goes first.

    Of equals the first wins: the smaller vocabulary, then the stronger regularisation.

    Args:
        data: the training data; a subsample of it is used.
        seed: of subsample and folds.
        say: is told each score.

    Raises:
        InputError: the texts have nothing in common to learn from.
    """
    size = round(len(data.texts) * SELECTION_SHARE)
    size = min(max(size, SELECTION_MINIMUM), SELECTION_MAXIMUM)
    some = data.take(stratified_subsample(data.labels, size, seed))
    folds = stratified_folds(some.labels, SELECTION_FOLDS, seed)
    if (folds == TRAIN_ONLY).all():
        say("no unit has two samples: nothing can be chosen or calibrated")
        return Setting(NGRAM_RANGES[0], FIRST_C)

    def accuracy(matrix: csr_matrix, setting: Setting) -> float:
        score = _cross_validate(matrix, some, folds, setting.c)
        shortest, longest = setting.ngram_range
        say(f"n-grams of {shortest}-{longest} characters, C {setting.c:g}: accuracy {score:.4f}")
        return score

    # One vocabulary for all folds is good enough to compare settings, and three times as fast;
    # held_out_answers, which gives the figures that count, makes one a fold.
    matrices = {ngram_range: vectorize(some, ngram_range)[1] for ngram_range in NGRAM_RANGES}
    by_range = {r: accuracy(matrix, Setting(r, FIRST_C)) for r, matrix in matrices.items()}
    best = max(by_range, key=by_range.__getitem__)
    by_c = {c: accuracy(matrices[best], Setting(best, c)) for c in OTHER_C}
    by_c[FIRST_C] = by_range[best]
    return Setting(best, max(sorted(by_c), key=by_c.__getitem__))


def held_out_answers(data: Data, setting: Setting, seed: int) -> tuple[NDArray[np.float32], Labels]:
    """Return (answers, classes) logits of samples not trained on, and their labels."""
    folds = stratified_folds(data.labels, CALIBRATION_FOLDS, seed)
    logits = [np.empty((0, data.classes), dtype=np.float32)]
    labels = [np.empty(0, dtype=np.int64)]
    for fold in np.unique(folds[folds != TRAIN_ONLY]):
        known = data.take(np.flatnonzero(folds != fold))
        asked = data.take(np.flatnonzero(folds == fold))
        vectorizer, matrix = vectorize(known, setting.ngram_range)
        coef, intercept = fit(matrix, known.labels, setting.c, data.classes)
        logits.append(vectorizer.transform(asked.texts) @ coef.T + intercept)
        labels.append(asked.labels)
        if sum(map(len, labels)) >= CALIBRATION_ANSWERS:
            break
    return np.concatenate(logits), np.concatenate(labels)


def _cross_validate(matrix: csr_matrix, data: Data, folds: Labels, c: float) -> float:
    """Return the share of right answers over all held-out rows."""
    right = 0
    for fold in np.unique(folds[folds != TRAIN_ONLY]):
        known, asked = folds != fold, folds == fold
        coef, intercept = fit(matrix[known], data.labels[known], c, data.classes)
        answers = (matrix[asked] @ coef.T + intercept).argmax(axis=1)
        right += int((answers == data.labels[asked]).sum())
    return right / int((folds != TRAIN_ONLY).sum())


def vectorize(data: Data, ngram_range: tuple[int, int]) -> tuple[TfidfVectorizer, csr_matrix]:
    """Return a fitted vectoriser and the (n, n-grams) matrix of the texts.

    Raises:
        InputError: no n-gram is common enough to learn from.
    """
    vectorizer = make_vectorizer(
        ngram_range,
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
