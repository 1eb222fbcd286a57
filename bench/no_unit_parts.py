"""A draw's parts: which tickets a model learns, and which it is asked (``bench.no_unit_dump``)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.samples import Sample

PARTS = ("learned", "held", "known", "strangers")
STRANGER = -1
"""The number of a unit that was not taught."""

_TEST_SHARE = 0.1

Parts = dict[str, list[Sample]]
Arrays = dict[str, Any]
"""NumPy arrays by name."""


def divide(
    train: Sequence[Sample],
    test: Sequence[Sample],
    draw: int,
    withheld: int,
    tickets: int | None = None,
) -> Parts:
    """Return the tickets of each part of a draw."""
    random = np.random.default_rng(draw)
    units = sorted({sample.unit for sample in train})
    strange = set(random.choice(units, withheld, replace=False).tolist())
    taught = [sample for sample in train if sample.unit not in strange]
    order = random.permutation(len(taught)).tolist()
    held = round(len(taught) * _TEST_SHARE)
    parts = {
        "learned": [taught[row] for row in order[held:]],
        "held": [taught[row] for row in order[:held]],
        "known": [sample for sample in test if sample.unit not in strange],
        "strangers": [sample for sample in (*train, *test) if sample.unit in strange],
    }
    if tickets is None:
        return parts
    some = {part: _some(samples, tickets, random) for part, samples in parts.items()}
    learned = {sample.unit for sample in some["learned"]}  # a few tickets are not of all units
    for part in ("held", "known"):
        some[part] = [sample for sample in some[part] if sample.unit in learned]
    return some


def _some(samples: list[Sample], tickets: int, random: np.random.Generator) -> list[Sample]:
    return [samples[row] for row in random.permutation(len(samples))[:tickets].tolist()]


def numbers_of(parts: Parts) -> dict[str, int]:
    """Return the class numbers of the taught units."""
    return {code: n for n, code in enumerate(sorted({s.unit for s in parts["learned"]}))}


def labels_of(samples: Sequence[Sample], numbers: Mapping[str, int]) -> NDArray[np.int64]:
    """Return (n,) class numbers, ``STRANGER`` for units that were not taught."""
    return np.array([numbers.get(sample.unit, STRANGER) for sample in samples], dtype=np.int64)
