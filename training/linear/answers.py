"""Answers to samples by models that learned neither them nor a near-duplicate."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.held_out import HeldOut
from training.linear.data import Data, Labels
from training.linear.folds import TRAIN_ONLY, stratified_folds
from training.linear.jobs import processes_for, run_jobs
from training.linear.setting import Setting

# A fold's model learns less than the version, so it is less sure, and a threshold from its answers
# lets too much pass. What the last samples add is much where there are few: then there are ten.
FOLDS_LEAST, FOLDS_MOST = 3, 10
_FOLDS_TIMES_SAMPLES = 30_000
# Folds are run until so many answers were held out: 100,000 samples need one fold, not three.
CALIBRATION_ANSWERS = 10_000


def held_out_answers(data: Data, setting: Setting, seed: int) -> HeldOut:
    """Return the logits of samples that were held out, fold after fold.

    Each fold has a model and a vocabulary of its own.
    """
    rows, logits = answers_of_folds(
        data, setting, seed, calibration_folds(len(data)), CALIBRATION_ANSWERS
    )
    return HeldOut(logits, data.labels[rows], data.groups[rows])


def calibration_folds(samples: int) -> int:
    """Return in how many folds samples are held out to calibrate what learns all of them."""
    return min(FOLDS_MOST, max(FOLDS_LEAST, _FOLDS_TIMES_SAMPLES // samples))


def answers_of_folds(
    data: Data, setting: Setting, seed: int, folds: int, enough: int | None = None
) -> tuple[Labels, NDArray[np.float32]]:
    """Return (m,) row numbers and their (m, classes) logits, each by a model that held them out.

    Args:
        data: n samples. The only group of a class is never held out.
        setting: of each fold's model.
        seed: of the folds and fits.
        folds: how many, from 2.
        enough: no other fold is run once so many rows are answered; None for all.
    """
    numbers = stratified_folds(data.labels, folds, seed, data.groups)
    asked = [np.flatnonzero(numbers == fold) for fold in np.unique(numbers[numbers != TRAIN_ONLY])]
    before = np.cumsum([0, *map(len, asked)])
    asked = [rows for at, rows in enumerate(asked) if enough is None or before[at] < enough]
    jobs = [partial(_answer, data, setting, rows, seed) for rows in asked]
    logits = run_jobs(jobs, processes_for(len(data)))
    rows = np.concatenate([np.empty(0, dtype=np.int64), *asked])
    none = np.empty((0, data.classes), dtype=np.float32)
    return rows, np.concatenate([none, *logits])


def _answer(
    data: Data, setting: Setting, rows: NDArray[np.int64], seed: int
) -> NDArray[np.float32]:
    known = np.setdiff1d(np.arange(len(data)), rows)
    return setting.fit(data.take(known), seed).logits(data.take(rows).texts)
