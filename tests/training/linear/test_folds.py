"""Folds and subsamples get along with units of one or two samples."""

import numpy as np

from training.linear.folds import TRAIN_ONLY, stratified_folds, stratified_subsample


def test_folds_hold_out_every_sample_once_but_a_units_only_one() -> None:
    labels = np.array([0] * 7 + [1] * 2 + [2])

    folds = stratified_folds(labels, 3, seed=1)

    assert folds[labels == 2].tolist() == [TRAIN_ONLY]
    assert sorted(np.bincount(folds[labels != 2])) == [3, 3, 3]
    assert len(set(folds[labels == 1])) == 2


def test_a_subsample_keeps_rare_units() -> None:
    labels = np.array([0] * 1_000 + [1] * 2 + [2])

    kept = labels[stratified_subsample(labels, 100, seed=1)]

    assert np.bincount(kept).tolist() == [100, 2, 1]
