"""Confident learning, beside cleanlab and worked by hand."""

import numpy as np
import pytest
from cleanlab.count import compute_confident_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

from training.confident import (
    confident_classes,
    normalised_margin,
    self_confidence,
    thresholds,
)


def noisy(seed: int, n: int = 400, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of answers, and labels a tenth of which are drawn anew."""
    random = np.random.default_rng(seed)
    right = random.integers(classes, size=n)
    logits = random.normal(size=(n, classes)) + 2.5 * np.eye(classes)[right]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = random.random(n) < 0.1
    return chances, np.where(wrong, random.integers(classes, size=n), right)


def test_a_label_that_the_answers_contradict_is_another_class() -> None:
    chances = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.6, 0.4]])
    labels = np.array([0, 0, 0, 1, 1])

    assert thresholds(chances, labels).tolist() == pytest.approx([0.6, 0.65])
    assert confident_classes(chances, labels).tolist() == [0, 0, 1, 1, 0]
    assert self_confidence(chances, labels).tolist() == [0.9, 0.7, 0.2, 0.9, 0.4]
    assert normalised_margin(chances, labels).tolist() == pytest.approx([0.8, 0.4, -0.6, 0.8, -0.2])


def test_who_reaches_no_threshold_is_of_no_class() -> None:
    chances = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.4, 0.35, 0.25], [0.0, 0.1, 0.9]])
    labels = np.array([0, 1, 2, 2])

    assert confident_classes(chances, labels).tolist() == [0, 1, -1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_joint_and_scores_are_cleanlab_s(seed: int) -> None:
    chances, labels = noisy(seed)

    classes = confident_classes(chances, labels)

    assert thresholds(chances, labels) == pytest.approx(get_confident_thresholds(labels, chances))
    joint = np.zeros((5, 5), dtype=int)
    np.add.at(joint, (labels[classes >= 0], classes[classes >= 0]), 1)
    assert joint.tolist() == compute_confident_joint(labels, chances, calibrate=False).tolist()
    for method, scores in (
        ("self_confidence", self_confidence(chances, labels)),
        ("normalized_margin", (normalised_margin(chances, labels) + 1) / 2),
    ):
        assert scores == pytest.approx(get_label_quality_scores(labels, chances, method=method))


@pytest.mark.parametrize("seed", range(5))
def test_the_suspects_are_cleanlab_s(seed: int) -> None:
    chances, labels = noisy(seed)

    classes = confident_classes(chances, labels)

    suspects = (classes >= 0) & (classes != labels)
    theirs = find_label_issues(labels, chances, filter_by="confident_learning", n_jobs=1)
    # Theirs leaves out what the model itself answers as labelled.
    assert (
        np.flatnonzero(theirs).tolist()
        == np.flatnonzero(suspects & (chances.argmax(axis=1) != labels)).tolist()
    )
    assert suspects.sum() > 10


def test_a_class_without_samples_is_nobody_s() -> None:
    chances = np.array([[0.5, 0.2, 0.3], [0.2, 0.5, 0.3]])

    assert thresholds(chances, np.array([0, 1])).tolist() == [0.5, 0.5, 1.0]
    assert confident_classes(chances, np.array([0, 1])).tolist() == [0, 1]
