"""Fits one linear model over a matrix of n-grams."""

import re
import warnings
from dataclasses import dataclass
from typing import Literal, Self, assert_never

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from training.linear.data import Labels

Loss = Literal["hinge", "logistic"]
Weights = NDArray[np.float64]

# Passes of SAGA over the samples. Measured: more passes change no held-out figure beyond noise,
# and a model that stops early is regularised by it.
LOGISTIC_PASSES = 10
# Of the hinge's solver. Measured: a hundredth of it takes up to twice as long, and changes no
# held-out figure by a thousandth.
HINGE_TOLERANCE = 1e-2
_TOLD = re.compile(r"(?P<loss>hinge|logistic), C (?P<c>[\d.e+-]+), balance (?P<balance>[\d.]+)")


@dataclass(frozen=True)
class Plane:
    """Scores of c classes over f n-grams: coef (c, f) float32, intercept (c,) float32."""

    coef: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def logits(self, matrix: csr_matrix) -> NDArray[np.float32]:
        """Return (n, c) scores of (n, f) n-grams."""
        scores: NDArray[np.float32] = matrix @ np.ascontiguousarray(self.coef.T) + self.intercept
        return scores


@dataclass(frozen=True, slots=True)
class Learner:
    """A loss with its settings.

    Parameters:
        loss: ``hinge``, squared, each class against the others (a linear SVM: Fan et al.,
            "LIBLINEAR", JMLR 2008); or ``logistic``, over all classes at once (SAGA: Defazio
            et al., NeurIPS 2014).
        c: inverse strength of regularisation.
        balance: from 0, each sample counts alike, to 1, each class does. A sample's weight is its
            class' size to the power of minus this.
    """

    loss: Loss
    c: float
    balance: float

    def __str__(self) -> str:
        """Return the form in which a training tells of it."""
        return f"{self.loss}, C {self.c:g}, balance {self.balance:g}"

    @classmethod
    def parse(cls, told: str) -> Self:
        """Return the learner that is told so.

        Raises:
            ValueError: it is not in this form.
        """
        found = _TOLD.fullmatch(told)
        if found is None:
            raise ValueError(f"{told!r} is no learner")
        loss: Loss = "hinge" if found["loss"] == "hinge" else "logistic"
        return cls(loss, float(found["c"]), float(found["balance"]))

    def fit(
        self, matrix: csr_matrix, labels: Labels, seed: int, weights: Weights | None = None
    ) -> Plane:
        """Return the scores of all classes, each of which has a sample.

        Args:
            matrix: (n, f) n-grams.
            labels: (n,) class numbers.
            seed: of the fit.
            weights: (n,) over 0; None where all samples count alike.
        """
        if weights is not None:
            weights = weights / weights.mean()  # so that C means what it does
        model = self._model(labels, seed, weights)
        with warnings.catch_warnings():
            # A model that stops early is a little more regularised; the held-out answers, fitted
            # alike, show what that costs.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(matrix, labels, sample_weight=weights)
        coef, intercept = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
        if len(coef) == 1:  # scikit-learn keeps one row for two classes
            coef = np.concatenate([-coef, coef]) / 2
            intercept = np.concatenate([-intercept, intercept]) / 2
        return Plane(np.ascontiguousarray(coef, dtype=np.float32), intercept.astype(np.float32))

    def _model(
        self, labels: Labels, seed: int, weights: Weights | None
    ) -> LinearSVC | LogisticRegression:
        sizes = np.bincount(labels, weights)
        classes = sizes ** -float(self.balance)
        classes *= len(labels) / (classes @ sizes)  # 1 on the mean, so that C means what it does
        options = {
            "C": self.c,
            "class_weight": dict(enumerate(classes.tolist())),
            "random_state": seed,
        }
        match self.loss:
            case "hinge":
                return LinearSVC(dual=True, tol=HINGE_TOLERANCE, **options)
            case "logistic":
                return LogisticRegression(solver="saga", max_iter=LOGISTIC_PASSES, **options)
            case _:
                assert_never(self.loss)
