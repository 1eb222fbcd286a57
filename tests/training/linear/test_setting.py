"""A setting is fitted to one model, whatever it sums."""

import numpy as np
import pytest

from classifier.ngrams import NGrams
from core.errors import InputError
from training.linear.data import Data
from training.linear.features import FEATURES as OFFERED
from training.linear.features import name_of
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


@pytest.mark.parametrize("features", OFFERED)
def test_a_setting_is_read_back_from_what_a_manifest_tells(features: tuple[NGrams, ...]) -> None:
    learners = (Learner("hinge", 0.3, 0.5), Learner("logistic", 1e-05, 1.0))
    facts = {
        "features": name_of(features),
        "learners": [str(learner) for learner in learners],
        "shares": [2.5, 0.1],
    }

    assert Setting.recorded(facts, "v1") == Setting(features, learners, (2.5, 0.1))


@pytest.mark.parametrize(
    "changed", [{"features": "word 7"}, {"learners": ["svm, C 1"]}, {"shares": ["x"]}]
)
def test_a_manifest_without_a_setting_is_refused_with_its_name(changed: dict[str, object]) -> None:
    facts = {"features": name_of(OFFERED[0]), "learners": [str(HINGE)], "shares": [1.0]}

    with pytest.raises(InputError, match="the manifest of v1 tells no setting"):
        Setting.recorded(facts | changed, "v1")
