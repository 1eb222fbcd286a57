"""The labelled sets that the linear model is measured on: a part to train on, one to test on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.samples import read_part
from core.text import model_text
from paidan.sample.generator import generate
from training.samples import Sample

SYNTHETIC_SEED = 3407
MERGED, RARE = 28, 20
RARE_TRAIN, RARE_TEST = 7, 3
LUMP = "another"


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Tickets to train on and to test on; a unit's name is its code."""

    train: Sequence[Sample]
    test: Sequence[Sample]


def synthetic(train: int, test: int, start: int = 0) -> LabelledSet:
    """Return tickets of the shipped sample's 70 units."""
    tickets = [
        Sample(model_text(ticket.title, ticket.text), ticket.unit)
        for ticket in generate(train + test, seed=SYNTHETIC_SEED, start=start)
    ]
    return LabelledSet(tickets[:train], tickets[train:])


def real(directory: Path) -> LabelledSet:
    """Return a set that is not ours to ship."""
    return LabelledSet(read_part(directory, "train"), read_part(directory, "test"))


def imbalanced(balanced: LabelledSet, seed: int = SYNTHETIC_SEED) -> LabelledSet:
    """Return a set with one class of about half of the samples and 20 classes of seven.

    Args:
        balanced: one of many classes: 28 of them, drawn at random, become one; of 20 others
            seven samples are kept to train on and three to test on.
        seed: of the draw.
    """
    units = sorted({sample.unit for sample in balanced.train})
    drawn = np.random.default_rng(seed).permutation(units).tolist()
    names = dict.fromkeys(drawn[:MERGED], LUMP)
    rare = drawn[MERGED : MERGED + RARE]
    return LabelledSet(
        _cut(balanced.train, names, dict.fromkeys(rare, RARE_TRAIN)),
        _cut(balanced.test, names, dict.fromkeys(rare, RARE_TEST)),
    )


def _cut(
    samples: Sequence[Sample], names: Mapping[str, str], most: Mapping[str, int]
) -> list[Sample]:
    kept: list[Sample] = []
    counts: dict[str, int] = defaultdict(int)
    for sample in samples:
        counts[sample.unit] += 1
        if counts[sample.unit] <= most.get(sample.unit, len(samples)):
            kept.append(Sample(sample.text, names.get(sample.unit, sample.unit)))
    return kept
