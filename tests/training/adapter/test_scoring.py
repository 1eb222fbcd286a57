"""Held-out tickets are scored as serving scores them, by head and by names."""

import weakref

import numpy as np
import pytest
import torch
from bitsandbytes.optim import GlobalOptimManager

from classifier.llm import LlmClassifier
from classifier.loading import load_classifier
from registry.writer import TrainedVersion
from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from training.adapter.preparation import Preparation, prepare
from training.adapter.scoring import Scorer, compare_fp8, free_memory
from training.progress import SILENT


@pytest.fixture(scope="module")
def prepared() -> Preparation:
    """What the version with a head was trained on."""
    return prepare(themed_samples(), prompt_units(), STANDIN, recipe_with_head(), SILENT)


def test_names_are_scored_as_the_classifier_scores_them(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    scorer = Scorer(prepared, head_version.path)
    rows = np.array([0, 3, 5])

    scored = scorer.score("names", rows)

    classifier = load_classifier(head_version.path)
    assert isinstance(classifier, LlmClassifier)
    samples = [prepared.scored[row] for row in rows]
    served = classifier.engine.scores([sample.text for sample in samples])
    assert np.allclose(scored.logits, [[one[code] for code in "ABC"] for one in served], atol=1e-4)
    assert ["ABC"[label] for label in scored.labels] == [sample.unit for sample in samples]
    assert (scored.groups == prepared.groups[rows]).all()


def test_the_head_is_scored_as_the_classifier_asks_it(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    scorer = Scorer(prepared, head_version.path)
    rows = np.arange(len(prepared.scored))

    scored = scorer.score("head", rows)

    classifier = load_classifier(head_version.path)
    assert isinstance(classifier, LlmClassifier)
    served = classifier.engine.head_logits([sample.text for sample in prepared.scored])
    assert scored.logits.shape == (12, 3)
    assert np.allclose(scored.logits, served, atol=1e-4)
    assert (scored.logits.argmax(axis=1) == scored.labels).all()


def test_it_answers_by_what_was_learned(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    scorer = Scorer(prepared, head_version.path)

    assert scorer.ways == ("head", "names")
    assert scorer.codes("head") == scorer.codes("names") == ("A", "B", "C")
    assert len(scorer.score("head", np.empty(0, dtype=np.int64))) == 0
    assert len(scorer.score("names", np.empty(0, dtype=np.int64))) == 0


def test_a_training_in_8_bits_keeps_nothing_after_it() -> None:
    module = torch.nn.Embedding(4, 4)
    GlobalOptimManager.get_instance().register_module_override(module, "weight", {"optim_bits": 32})
    kept = weakref.ref(module)

    del module
    free_memory()

    assert kept() is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to compare on")
def test_without_a_gpu_fp8_is_not_compared(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    rows, answers = np.arange(3), np.zeros(3, dtype=np.int64)

    assert compare_fp8(prepared, head_version.path, "head", rows, answers, 0.0, SILENT) == {}
