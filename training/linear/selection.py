"""Chooses what a linear model reads and how it learns, by grouped cross-validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from classifier.calibration import Floats, fit_temperature
from core.errors import InputError
from training.linear.comparison import choose, race, standings
from training.linear.data import Data, Labels
from training.linear.features import FEATURES, Features, name_of, vectorize
from training.linear.folds import TRAIN_ONLY, stratified_folds, stratified_subsample
from training.linear.jobs import processes_for, run_jobs
from training.linear.learner import Learner, Weights
from training.linear.setting import Setting
from training.progress import Progress

# A subsample chooses where there are more samples, or longer texts.
SELECTION_SAMPLES, SELECTION_CHARACTERS = 8_000, 1_000_000
SELECTION_FOLDS = 2

# The grids. Their first is tried first, and features are compared with the first hinge.
BALANCES = (0.5, 0.0, 1.0)
HINGES = tuple(Learner("hinge", c, b) for b, c in product(BALANCES, (1.0, 0.3, 3.0)))
LOGISTICS = tuple(Learner("logistic", c, b) for b, c in product(BALANCES, (30.0, 5.0)))
NOTHING_HELD_OUT = (
    "no unit has two samples that are no near-duplicates: nothing can be chosen or calibrated"
)
ALONE, TOGETHER = "hinge alone", "hinge and logistic"

Logits = NDArray[np.float32]
Fit = tuple[csr_matrix, Learner]


def choose_setting(data: Data, seed: int, progress: Progress) -> Setting:
    """Return the setting that answers best what it held out; see ``comparison.choose``.

    Features go first, then balance and C of each loss, last whether hinge alone answers or the sum
    of both losses.

    Args:
        data: the training data; a subsample of it is used.
        seed: of subsample, folds and fits.
        progress: is told the result of each round.

    Raises:
        InputError: the texts have nothing in common to learn from.
    """
    some = data.take(stratified_subsample(data.labels, _size(data), seed))
    folds = stratified_folds(some.labels, SELECTION_FOLDS, seed, some.groups)
    matrices = _vectorize_all(some.texts)
    if (folds == TRAIN_ONLY).all():
        progress.say(NOTHING_HELD_OUT)
        return Setting(next(iter(matrices)), HINGES[:1], (1.0,))
    trial = _Trial(some.labels, folds, seed, progress, some.weights)
    named = {name_of(features): features for features in matrices}
    best, _ = trial.run({name: (matrices[named[name]], HINGES[0]) for name in named})
    matrix = matrices[named[best]]
    hinge, hinge_answers = trial.run_learners(matrix, HINGES)
    logistic, logistic_answers = trial.run_learners(matrix, LOGISTICS)
    # Over its temperature, a learner's score means as much as the other's.
    shares = tuple(1 / trial.temperature(answers) for answers in (hinge_answers, logistic_answers))
    both = shares[0] * hinge_answers + shares[1] * logistic_answers
    if trial.choose({ALONE: hinge_answers, TOGETHER: both}) == ALONE:
        return Setting(named[best], (hinge,), (1.0,))
    return Setting(named[best], (hinge, logistic), shares)


@dataclass(frozen=True)
class _Trial:
    """Answers n samples by models that did not learn them, and compares who answers."""

    labels: Labels
    folds: Labels
    seed: int
    progress: Progress
    weights: Weights | None = None
    known: dict[tuple[int, Learner, int], Logits] = field(default_factory=dict)
    """Answers by matrix, learner and fold: what features were compared with is tried again.

    A matrix is known by its ``id``, as all of them outlive the trial.
    """

    def run_learners(
        self, matrix: csr_matrix, learners: Sequence[Learner]
    ) -> tuple[Learner, Logits]:
        """Return the best learner, and its held-out logits."""
        named = {str(learner): learner for learner in learners}
        best, logits = self.run({name: (matrix, named[name]) for name in named})
        return named[best], logits

    def run(self, fits: Mapping[str, Fit]) -> tuple[str, Logits]:
        """Return the best of these by its name, and its held-out logits."""
        answers = race(list(fits), self.labels, self.folds, partial(self._answer, fits), self.seed)
        best = self.choose(answers)
        return best, answers[best]

    def choose(self, answers: Mapping[str, Floats]) -> str:
        """Return whose held-out logits are best, and tell."""
        places = standings(answers, self._asked, self.seed)
        best = choose(answers, self._asked, places)
        scores = ", ".join(f"{name}: {place.score:.4f}" for name, place in places.items())
        self.progress.say(f"mean of accuracy and macro-F1 of {scores}. Chosen: {best}")
        return best

    def temperature(self, logits: Floats) -> float:
        """Return the temperature of held-out logits."""
        return fit_temperature(logits, self._asked)

    @property
    def _asked(self) -> Labels:
        """The labels of what was held out, fold after fold."""
        folds = np.unique(self.folds[self.folds != TRAIN_ONLY]).tolist()
        return np.concatenate([self.labels[self.folds == fold] for fold in folds])

    def _answer(self, fits: Mapping[str, Fit], names: Sequence[str], fold: int) -> list[Logits]:
        asked = self.folds == fold
        keys = {name: (id(fits[name][0]), fits[name][1], fold) for name in names}
        new = [name for name in names if keys[name] not in self.known]
        jobs = [
            partial(_held_out, *fits[name], self.labels, asked, self.seed, self.weights)
            for name in new
        ]
        answers = run_jobs(jobs, processes_for(len(self.labels)))
        self.known.update(zip((keys[name] for name in new), answers, strict=True))
        return [self.known[keys[name]] for name in names]


def _held_out(
    matrix: csr_matrix,
    learner: Learner,
    labels: Labels,
    asked: Labels,
    seed: int,
    weights: Weights | None,
) -> Logits:
    known = None if weights is None else weights[~asked]
    return learner.fit(matrix[~asked], labels[~asked], seed, known).logits(matrix[asked])


def _size(data: Data) -> int:
    """Return how many samples choose."""
    characters = max(1, sum(map(len, data.texts)))
    return min(SELECTION_SAMPLES, SELECTION_CHARACTERS * len(data) // characters)


def _vectorize_all(texts: Sequence[str]) -> dict[Features, csr_matrix]:
    """Return the matrix of all that the texts have n-grams of.

    One vocabulary for all folds is good enough to compare settings, and twice as fast; the answers
    that set the threshold (``answers``) have one a fold.
    """
    jobs = [partial(_matrix_or_error, texts, features) for features in FEATURES]
    found = dict(zip(FEATURES, run_jobs(jobs, processes_for(len(texts))), strict=True))
    matrices = {
        features: matrix for features, matrix in found.items() if not isinstance(matrix, InputError)
    }
    if not matrices:
        raise next(error for error in found.values() if isinstance(error, InputError))
    return matrices


def _matrix_or_error(texts: Sequence[str], features: Features) -> csr_matrix | InputError:
    try:
        return vectorize(texts, features)[1]
    except InputError as error:
        return error
