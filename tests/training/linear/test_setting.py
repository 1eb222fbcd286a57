"""A setting is fitted to one model, whatever it sums."""

import numpy as np
import pytest

from classifier.ngrams import NGrams
from training.linear.data import Data
from training.linear.learner import Learner
from training.linear.setting import Setting

FEATURES = (NGrams("char", 1, 2), NGrams("word", 1, 1))
HINGE, LOGISTIC = Learner("hinge", 1.0, 0.5), Learner("logistic", 30.0, 0.0)
TEXTS = ["公交车 不来", "公交站 太远", "水管 破裂", "自来水 停了"]
DATA = Data(TEXTS, np.array([0, 0, 1, 1]), 2, np.arange(4))


def test_the_sum_of_learners_is_one_model_with_the_sum_of_their_scores() -> None:
    alone = [
        Setting(FEATURES, (learner,), (1.0,)).fit(DATA, 1).logits(TEXTS)
        for learner in (HINGE, LOGISTIC)
    ]

    both = Setting(FEATURES, (HINGE, LOGISTIC), (2.0, 0.5)).fit(DATA, 1)

    assert both.logits(TEXTS) == pytest.approx(2.0 * alone[0] + 0.5 * alone[1], abs=1e-5)
    assert [vocabulary.kind for vocabulary in both.vocabularies] == list(FEATURES)
    assert both.coef.dtype == both.intercept.dtype == both.idf.dtype == np.float32
    assert (both.logits(TEXTS).argmax(axis=1) == DATA.labels).all()
