"""Stratified folds and subsamples that get along with units of one or two samples.

scikit-learn's StratifiedKFold warns about such units and may leave all of one's samples out of a
training part; here every class is in every training part, so all folds have the same classes.
Near-duplicates are in one fold: a model is never asked what it has nearly seen.
"""

import numpy as np
from numpy.typing import NDArray

TRAIN_ONLY = -1
"""The fold of a class' only group of samples: it is learned from every time and never held out."""


def stratified_folds(
    labels: NDArray[np.int64], folds: int, seed: int, groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return (n,) the fold in which each sample is held out, or ``TRAIN_ONLY``.

    Args:
        labels: (n,) class numbers.
        folds: how many, from 2.
        seed: of the shuffle.
        groups: (n,) group numbers; a group is in one fold.
    """
    _, firsts, member = np.unique(groups, return_index=True, return_inverse=True)
    by_group = np.empty(len(firsts), dtype=np.int64)
    # Counting on from class to class keeps the folds equally large; a class' neighbours differ.
    ordered = [row for rows in _shuffled_by_class(labels[firsts], seed) for row in rows.tolist()]
    by_group[ordered] = np.arange(len(firsts)) % folds
    assigned: NDArray[np.int64] = by_group[member]
    for label in np.unique(labels):
        held = assigned[labels == label]
        if (held == held[0]).all():  # its groups too, where other classes have a part in them
            assigned[np.isin(member, member[labels == label])] = TRAIN_ONLY
    return assigned


def stratified_subsample(labels: NDArray[np.int64], size: int, seed: int) -> NDArray[np.int64]:
    """Return about ``size`` row numbers, ascending, with up to two or more of every class."""
    if len(labels) <= size:
        return np.arange(len(labels))
    share = size / len(labels)
    kept = [
        members[: max(2, round(len(members) * share))]
        for members in _shuffled_by_class(labels, seed)
    ]
    return np.sort(np.concatenate(kept))


def _shuffled_by_class(labels: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    grouped = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, firsts = np.unique(labels[grouped], return_index=True)
    return np.split(grouped, firsts[1:])
