"""Scores of belonging: higher where a ticket looks like those of a learned unit."""

import numpy as np
import pytest

from classifier.belonging import BELONGING, energy, highest_logit, highest_probability

LOGITS = np.array([[4.0, 0.0, 0.0], [1.0, 1.0, 1.0], [-3.0, -3.0, -3.0]])


def test_the_highest_probability_depends_on_the_temperature() -> None:
    found = highest_probability(LOGITS, 2.0)

    assert found == pytest.approx([np.e**2 / (np.e**2 + 2), 1 / 3, 1 / 3])


def test_the_energy_tells_apart_what_probabilities_do_not() -> None:
    found = energy(LOGITS, 2.0)

    assert found[1:] == pytest.approx([1 + np.log(3), -3 + np.log(3)])
    assert found == pytest.approx(energy(LOGITS, 1.0))


def test_the_highest_logit_is_the_same_at_any_temperature() -> None:
    assert highest_logit(LOGITS, 2.0).tolist() == [4.0, 1.0, -3.0]


def test_a_unit_that_was_not_read_weighs_nothing() -> None:
    unread = np.array([[1.0, -np.inf]])

    assert [score(unread, 1.0).tolist() for score in BELONGING.values()] == [[1.0]] * len(BELONGING)
