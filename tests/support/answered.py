"""Versions by their answers, noted as "right answer probability", with ? where it is held back."""

import numpy as np

from training.evaluation import Answered


def answered(*notes: str, version: str = "v") -> Answered:
    """Return answers such as "A B 0.7": B where A is right; "-" where nothing was learned."""
    parts = [note.split() for note in notes]
    return Answered(
        version=version,
        learned=frozenset("ABC"),
        gold=tuple(gold for gold, _, _ in parts),
        units=tuple("" if unit == "-" else unit for _, unit, _ in parts),
        probability=np.array([float(number.rstrip("?")) for *_, number in parts]),
        accepted=np.array([not number.endswith("?") for *_, number in parts]),
    )
