"""What a linear model reads and how it learns; fits it, and answers what it held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from classifier.linear_model import LinearWeights
from classifier.ngrams import Vocabulary
from core.errors import InputError
from training.linear.data import Data
from training.linear.features import FEATURES, Features, name_of, vectorize
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

    @classmethod
    def recorded(cls, facts: Mapping[str, Any], version: str) -> Self:
        """Return the setting that a version's manifest tells.

        Args:
            facts: ``TrainingFacts.settings``.
            version: its name, for people.

        Raises:
            InputError: it tells none, as it was made before settings were chosen.
        """
        named = {name_of(features): features for features in FEATURES}
        try:
            learners = tuple(map(Learner.parse, facts["learners"]))
            return cls(named[facts["features"]], learners, tuple(map(float, facts["shares"])))
        except (KeyError, ValueError) as error:
            raise InputError(
                f"the manifest of {version} tells no setting of a linear model ({error}): train a "
                "linear version with this Paidan, and name that"
            ) from error

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
