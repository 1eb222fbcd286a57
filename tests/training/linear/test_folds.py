"""Folds and subsamples get along with units of one or two samples."""

import numpy as np

from training.linear.folds import TRAIN_ONLY, stratified_folds, stratified_subsample


def test_folds_hold_out_every_sample_once_but_a_units_only_one() -> None:
    labels = np.array([0] * 7 + [1] * 2 + [2])

    folds = stratified_folds(labels, 3, 1, np.arange(10))

    assert folds[labels == 2].tolist() == [TRAIN_ONLY]
    assert sorted(np.bincount(folds[labels != 2])) == [3, 3, 3]
    assert len(set(folds[labels == 1])) == 2


def test_a_group_is_in_one_fold_and_every_class_in_every_training_part() -> None:
    rng = np.random.default_rng(5)
    for seed in range(50):
        labels = rng.integers(0, 12, 120)
        groups = rng.integers(0, 60, 120)  # of mixed classes too

        folds = stratified_folds(labels, 3, seed, groups)

        for group in np.unique(groups):
            assert len(set(folds[groups == group])) == 1
        for fold in range(3):
            assert set(labels[folds != fold]) == set(labels)
        assert np.bincount(folds[folds != TRAIN_ONLY]).min() > 20


def test_a_class_all_of_whose_samples_are_near_duplicates_is_learned_from_every_time() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    groups = np.array([0, 1, 2, 3, 3, 3, 4, 5])

    folds = stratified_folds(labels, 2, 1, groups)

    assert (folds[labels == 1] == TRAIN_ONLY).all()
    assert (folds[labels != 1] != TRAIN_ONLY).all()


def test_a_subsample_keeps_rare_units() -> None:
    labels = np.array([0] * 1_000 + [1] * 2 + [2])

    kept = labels[stratified_subsample(labels, 100, seed=1)]

    assert np.bincount(kept).tolist() == [100, 2, 1]
