"""Held-out tickets are scored as serving scores them."""

import numpy as np
import pytest
import torch

from classifier.llm import LlmClassifier
from classifier.loading import load_classifier
from registry.writer import TrainedVersion
from tests.support.llm import prompt_units, themed_samples
from tests.support.models import STANDIN
from training.adapter.preparation import Preparation, prepare, recipe_for
from training.adapter.scoring import compare_fp8, score
from training.progress import SILENT


@pytest.fixture(scope="module")
def prepared() -> Preparation:
    return prepare(themed_samples(20), prompt_units(), STANDIN, recipe_for(STANDIN), SILENT)


def test_scores_are_those_of_the_classifier(
    prepared: Preparation, llm_version: TrainedVersion
) -> None:
    scores, labels = score(prepared, llm_version.path)

    classifier = load_classifier(llm_version.path)
    assert isinstance(classifier, LlmClassifier)
    served = classifier.engine.scores([sample.text for sample in prepared.scored])
    assert scores.shape == (len(prepared.scored), 3) == (6, 3)
    assert np.allclose(scores, [[one[code] for code in "ABC"] for one in served], atol=1e-4)
    assert ["ABC"[label] for label in labels] == [sample.unit for sample in prepared.scored]
    assert (scores.argmax(axis=1) == labels).all()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to compare on")
def test_without_a_gpu_fp8_is_not_compared(
    prepared: Preparation, llm_version: TrainedVersion
) -> None:
    assert compare_fp8(prepared, llm_version.path, np.zeros((6, 3)), SILENT) == {}
