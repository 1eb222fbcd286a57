"""What a linear model reads and how it learns; fits it, and answers what it held out."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from classifier.linear_model import LinearWeights
from classifier.ngrams import Vocabulary
from training.linear.data import Data
from training.linear.features import Features, vectorize
from training.linear.jobs import run_jobs
from training.linear.learner import Learner


@dataclass(frozen=True, slots=True)
class Setting:
    """What cross-validation chooses.

    Parameters:
        features: the kinds of n-grams.
        learners: one or more, whose scores are summed.
        shares: the factor of each one's scores in the sum.
    """

    features: Features
    learners: tuple[Learner, ...]
    shares: tuple[float, ...]

    def fit(self, data: Data, seed: int, processes: int = 1) -> LinearWeights:
        """Learn from all of the data. The sum of linear models is one: as fast to serve.

        Raises:
            InputError: see ``features.vectorize``.
        """
        vectorizers, matrix = vectorize(data.texts, self.features)
        jobs = [
            partial(learner.fit, matrix, data.labels, seed, data.weights)
            for learner in self.learners
        ]
        planes = list(zip(self.shares, run_jobs(jobs, processes), strict=True))
        return LinearWeights(
            tuple(
                Vocabulary(kind, tuple(vectorizer.get_feature_names_out().tolist()))
                for kind, vectorizer in zip(self.features, vectorizers, strict=True)
            ),
            np.concatenate([vectorizer.idf_ for vectorizer in vectorizers], dtype=np.float32),
            np.sum([share * plane.coef for share, plane in planes], axis=0, dtype=np.float32),
            np.sum([share * plane.intercept for share, plane in planes], axis=0, dtype=np.float32),
        )
