"""Chooses a linear model's setting by cross-validation, and answers what it held out."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from training.held_out import HeldOut
from training.linear.folds import TRAIN_ONLY, stratified_folds, stratified_subsample
from training.linear.regression import Data, Labels, fit, vectorize
from training.progress import Progress

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
NOTHING_HELD_OUT = (
    "no unit has two samples that are no near-duplicates: nothing can be chosen or calibrated"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What cross-validation chooses: n-gram lengths and inverse regularisation strength."""

    ngram_range: tuple[int, int]
    c: float


def choose_setting(data: Data, seed: int, progress: Progress) -> Setting:
    """Return the setting with the best cross-validated accuracy; the n-gram range goes first.

    Of equals the first wins: the smaller vocabulary, then the stronger regularisation.

    Args:
        data: the training data; a subsample of it is used.
        seed: of subsample and folds.
        progress: is told each score.

    Raises:
        InputError: the texts have nothing in common to learn from.
    """
    size = round(len(data.texts) * SELECTION_SHARE)
    size = min(max(size, SELECTION_MINIMUM), SELECTION_MAXIMUM)
    some = data.take(stratified_subsample(data.labels, size, seed))
    folds = stratified_folds(some.labels, SELECTION_FOLDS, seed, some.groups)
    if (folds == TRAIN_ONLY).all():
        progress.say(NOTHING_HELD_OUT)
        return Setting(NGRAM_RANGES[0], FIRST_C)

    def accuracy(matrix: csr_matrix, setting: Setting) -> float:
        score = _cross_validate(matrix, some, folds, setting.c)
        shortest, longest = setting.ngram_range
        tried = f"n-grams of {shortest}-{longest} characters, C {setting.c:g}"
        progress.say(f"{tried}: accuracy {score:.4f}")
        return score

    # One vocabulary for all folds is good enough to compare settings, and three times as fast;
    # held_out_answers, which gives the figures that count, makes one a fold.
    matrices = {ngram_range: vectorize(some, ngram_range)[1] for ngram_range in NGRAM_RANGES}
    by_range = {r: accuracy(matrix, Setting(r, FIRST_C)) for r, matrix in matrices.items()}
    best = max(by_range, key=by_range.__getitem__)
    by_c = {c: accuracy(matrices[best], Setting(best, c)) for c in OTHER_C}
    by_c[FIRST_C] = by_range[best]
    return Setting(best, max(sorted(by_c), key=by_c.__getitem__))


def held_out_answers(data: Data, setting: Setting, seed: int) -> HeldOut:
    """Return answers to samples by models that learned neither them nor a near-duplicate."""
    folds = stratified_folds(data.labels, CALIBRATION_FOLDS, seed, data.groups)
    logits = [np.empty((0, data.classes), dtype=np.float32)]
    rows = [np.empty(0, dtype=np.int64)]
    for fold in np.unique(folds[folds != TRAIN_ONLY]):
        known = data.take(np.flatnonzero(folds != fold))
        asked = np.flatnonzero(folds == fold)
        vectorizer, matrix = vectorize(known, setting.ngram_range)
        coef, intercept = fit(matrix, known.labels, setting.c, data.classes)
        texts = data.take(asked).texts
        logits.append(vectorizer.transform(texts) @ coef.T + intercept)
        rows.append(asked)
        if sum(map(len, rows)) >= CALIBRATION_ANSWERS:
            break
    held_out = np.concatenate(rows)
    return HeldOut(np.concatenate(logits), data.labels[held_out], data.groups[held_out])


def _cross_validate(matrix: csr_matrix, data: Data, folds: Labels, c: float) -> float:
    """Return the share of right answers over all held-out rows."""
    right = 0
    for fold in np.unique(folds[folds != TRAIN_ONLY]):
        known, asked = folds != fold, folds == fold
        coef, intercept = fit(matrix[known], data.labels[known], c, data.classes)
        answers = (matrix[asked] @ coef.T + intercept).argmax(axis=1)
        right += int((answers == data.labels[asked]).sum())
    return right / int((folds != TRAIN_ONLY).sum())
