"""Samples are taken by rows."""

import numpy as np

from training.linear.data import Data


def test_rows_are_taken_with_their_labels_and_groups() -> None:
    weights = np.array([1.0, 0.3, 2.0])
    data = Data(["水", "车", "路"], np.array([0, 1, 1]), 2, np.array([0, 1, 2]), weights)

    taken = data.take(np.array([2, 0]))

    assert len(taken) == 2
    assert (taken.texts, taken.classes) == (["路", "水"], 2)
    assert (taken.labels.tolist(), taken.groups.tolist()) == ([1, 0], [2, 0])
    assert taken.weights is not None
    assert taken.weights.tolist() == [2.0, 1.0]
