"""Training samples as tokens, and what of them is learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset

IGNORED = -100
"""The label of a token from which nothing is learned."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A training sample: its tokens, and how many of them are the question."""

    ids: list[int]
    question: int


def as_dataset(samples: Sequence[Tokens], *, completion_only: bool) -> Dataset:
    """Return the samples with their labels; the end token is learned, whatever the padding is."""
    return Dataset.from_dict(
        {
            "input_ids": [sample.ids for sample in samples],
            "labels": [
                [IGNORED] * sample.question + sample.ids[sample.question :]
                if completion_only
                else sample.ids
                for sample in samples
            ],
        }
    )
