"""One fit: scores for every class, by each loss and balance."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from training.linear.learner import Learner, Loss

# Class 2 has one sample beside eight of class 0; the third n-gram is common to both.
MATRIX = csr_matrix(
    np.array([[1, 0, 0.5]] * 8 + [[0, 1, 0]] * 4 + [[0.4, 0, 0.6]], dtype=np.float32)
)
LABELS = np.array([0] * 8 + [1] * 4 + [2])


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_each_loss_learns_its_samples(loss: Loss) -> None:
    plane = Learner(loss, 30.0, 1.0).fit(MATRIX, LABELS, 1)

    assert (plane.coef.shape, plane.intercept.shape) == ((3, 3), (3,))
    assert plane.coef.dtype == plane.intercept.dtype == np.float32
    assert (plane.logits(MATRIX)[:12].argmax(axis=1) == LABELS[:12]).all()


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_two_classes_have_a_row_each(loss: Loss) -> None:
    plane = Learner(loss, 30.0, 0.0).fit(MATRIX[:12], LABELS[:12], 1)

    assert plane.coef.shape == (2, 3)
    assert plane.coef[0].tolist() == (-plane.coef[1]).tolist()
    assert (plane.logits(MATRIX[:12]).argmax(axis=1) == LABELS[:12]).all()


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_balance_raises_the_rare_class(loss: Loss) -> None:
    rare = [
        float(Learner(loss, 1.0, balance).fit(MATRIX, LABELS, 1).logits(MATRIX)[12, 2])
        for balance in (0.0, 0.5, 1.0)
    ]

    assert rare == sorted(rare)
    assert rare[0] < rare[2]


def test_the_same_seed_gives_the_same_scores() -> None:
    for loss in ("hinge", "logistic"):
        learner = Learner(loss, 1.0, 0.5)
        assert (learner.fit(MATRIX, LABELS, 3).coef == learner.fit(MATRIX, LABELS, 3).coef).all()


def test_a_learner_is_told_in_words() -> None:
    assert str(Learner("hinge", 0.3, 1.0)) == "hinge, C 0.3, balance 1"


@pytest.mark.parametrize("balance", [0.0, 1.0])
def test_a_weight_of_two_counts_as_a_sample_twice(balance: float) -> None:
    rows = np.array([*range(13), 3, 12])
    weights = np.ones(13)
    weights[[3, 12]] = 2

    weighed = Learner("hinge", 15 / 13, balance).fit(MATRIX, LABELS, 1, weights)
    twice = Learner("hinge", 1.0, balance).fit(MATRIX[rows], LABELS[rows], 1)

    assert weighed.coef == pytest.approx(twice.coef, abs=0.01)
    assert weighed.intercept == pytest.approx(twice.intercept, abs=0.01)
    plain = Learner("hinge", 15 / 13, balance).fit(MATRIX, LABELS, 1)
    assert weighed.coef != pytest.approx(plain.coef, abs=0.01)


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_a_label_that_weighs_little_gives_way(loss: Loss) -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    same = csr_matrix(np.array([[1.0, 0]] * 6 + [[0, 1.0]] * 3, dtype=np.float32))
    weights = np.array([1, 1, 1, 1, 9, 9, 1, 1, 1]) * 1.0
    learner = Learner(loss, 30.0, 0.0)

    strong = learner.fit(same, labels, 1, weights).logits(same)[0].argmax()
    weak = learner.fit(same, labels, 1, np.where(weights == 9, 0.1, 1.0)).logits(same)[0].argmax()

    assert (strong, weak) == (1, 0)
