"""Three ways to a linear model: the product's, the one it replaced, and a common linear SVM."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from bench.linear_sets import LabelledSet
from classifier.linear_model import LinearWeights
from classifier.manifest import Calibration
from training.held_out import HeldOut, calibrate
from training.linear.folds import TRAIN_ONLY, stratified_folds, stratified_subsample
from training.linear.version import train_linear
from training.near_duplicates import group_near_duplicates
from training.samples import Sample

SEED = 42
FOLDS = 3
Labels = NDArray[np.int64]
Logits = NDArray[np.float64] | NDArray[np.float32]
Learned = Callable[[Sequence[str]], Logits]
"""What was learned: texts -> (texts, classes) scores."""


@dataclass(frozen=True, slots=True)
class Answered:
    """(tests, classes) logits of the test part, and the calibration found on the training part."""

    logits: Logits
    calibration: Calibration


def product(data: LabelledSet, error_target: float) -> Answered:
    """Answer by the version that ``paidan train`` makes."""
    units = {sample.unit: sample.unit for sample in data.train}
    with tempfile.TemporaryDirectory() as name:
        version = train_linear(
            data.train, units, models_dir=Path(name), error_target=error_target, seed=SEED
        )
        weights = LinearWeights.load(version.path, version.manifest)
    texts = [sample.text for sample in data.test]
    return Answered(weights.logits(texts), version.manifest.calibration)


def svm(data: LabelledSet, error_target: float) -> Answered:
    """Answer by LinearSVC over words 1-2 and char_wb 2-4, all settings scikit-learn's own."""
    return _calibrated(data, error_target, _learn_svm)


def before(data: LabelledSet, error_target: float) -> Answered:
    """Answer as versions did until November 2026: character n-grams, balanced logistic loss."""
    texts, labels = arrange(data.train)
    rows = stratified_subsample(labels, min(max(round(len(labels) * 0.4), 2_000), 8_000), SEED)
    lengths, c = _choose([texts[row] for row in rows.tolist()], labels[rows])
    return _calibrated(data, error_target, lambda t, y: _learn_logistic(t, y, lengths, c))


def arrange(samples: Sequence[Sample]) -> tuple[list[str], Labels]:
    """Return texts and class numbers in the order of training."""
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    _, labels = np.unique([sample.unit for sample in ordered], return_inverse=True)
    return [sample.text for sample in ordered], labels.astype(np.int64)


def _calibrated(
    data: LabelledSet, error_target: float, learn: Callable[[Sequence[str], Labels], Learned]
) -> Answered:
    """Learn all and answer; calibrate by folds, as the product does."""
    texts, labels = arrange(data.train)
    groups = group_near_duplicates(texts)
    folds = stratified_folds(labels, FOLDS, SEED, groups)
    logits: list[Logits] = []
    asked: list[Labels] = []
    for fold in np.unique(folds[folds != TRAIN_ONLY]).tolist():
        rows = np.flatnonzero(folds == fold)
        known = np.flatnonzero(folds != fold).tolist()
        learned = learn([texts[row] for row in known], labels[known])
        logits.append(learned([texts[row] for row in rows.tolist()]))
        asked.append(rows)
    held = np.concatenate(asked)
    held_out = HeldOut(np.concatenate(logits).astype(np.float64), labels[held], groups[held])
    answers = learn(texts, labels)([sample.text for sample in data.test])
    return Answered(answers, calibrate(held_out, error_target, SEED))


def _learn_svm(texts: Sequence[str], labels: Labels) -> Learned:
    vectorizers = [
        TfidfVectorizer(analyzer="word", ngram_range=(1, 2)),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)),
    ]
    matrix = hstack([one.fit_transform(texts) for one in vectorizers], format="csr")
    model = LinearSVC(random_state=SEED).fit(matrix, labels)
    return lambda some: model.decision_function(
        hstack([one.transform(some) for one in vectorizers], format="csr")
    )


def _choose(texts: Sequence[str], labels: Labels) -> tuple[tuple[int, int], float]:
    folds = stratified_folds(labels, 2, SEED, np.arange(len(labels)))

    def accuracy(matrix: csr_matrix, c: float) -> float:
        right = 0
        for fold in (0, 1):
            known, asked = folds != fold, folds == fold
            answers = _logistic(matrix[known], labels[known], c).predict(matrix[asked])
            right += int((answers == labels[asked]).sum())
        return right

    matrices = {
        lengths: _characters(lengths, len(texts)).fit_transform(texts)
        for lengths in ((1, 2), (1, 3), (2, 4))
    }
    by_lengths = {lengths: accuracy(matrix, 30.0) for lengths, matrix in matrices.items()}
    best = max(by_lengths, key=by_lengths.__getitem__)
    by_c = {c: accuracy(matrices[best], c) for c in (10.0, 100.0)} | {30.0: by_lengths[best]}
    return best, max(sorted(by_c), key=by_c.__getitem__)


def _learn_logistic(
    texts: Sequence[str], labels: Labels, lengths: tuple[int, int], c: float
) -> Learned:
    vectorizer = _characters(lengths, len(texts))
    model = _logistic(vectorizer.fit_transform(texts), labels, c)
    return lambda some: model.decision_function(vectorizer.transform(some))


def _characters(lengths: tuple[int, int], samples: int) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer="char",
        ngram_range=lengths,
        sublinear_tf=True,
        dtype=np.float32,
        min_df=1 if samples < 200 else 2,
        max_features=20_000,
    )


def _logistic(matrix: csr_matrix, labels: Labels, c: float) -> LogisticRegression:
    tolerance = min(1e-4, 7e-3 / len(np.unique(labels)))
    model = LogisticRegression(C=c, class_weight="balanced", solver="newton-cg", tol=tolerance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="(the )?line search")
        return model.fit(matrix, labels)
