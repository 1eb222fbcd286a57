"""Training samples as tokens, and what of them is learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from training.adapter.recipe import AnswerLosses
from training.adapter.soft.targets import SoftTarget

IGNORED = -100
"""The label of a token from which nothing is learned."""
ANSWER_AT, ROW = "answer_at", "row"
"""A dataset's columns for the head: see ``Tokens``."""
UNITS, SOFT_PLACES, SOFT_WEIGHTS = "units", "soft_places", "soft_weights"
"""Its columns where labels are soft: (u,) probabilities of the head's rows; (m, 2) places in the
text and tokens, and their (m,) weights, see ``soft.targets.SoftNames``."""
WEIGHT = "weight"
"""Its column where samples count unlike: ``Sample.weight``."""
BESIDE = (ANSWER_AT, ROW, UNITS, SOFT_PLACES, SOFT_WEIGHTS, WEIGHT)
"""What is no argument of the model."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A training sample in tokens.

    Parameters:
        ids: all of them.
        question: how many of them are the question.
        answer_at: place of the token that predicts the answer's first one; there the head reads.
        row: of the unit in the head.
        soft: what it is learned as, where its label is soft.
        weight: how much it counts in the loss.
    """

    ids: list[int]
    question: int
    answer_at: int
    row: int
    soft: SoftTarget | None = None
    weight: float = 1.0


def as_dataset(
    samples: Sequence[Tokens], losses: AnswerLosses, *, completion_only: bool
) -> Dataset:
    """Return the samples with their labels, for a head with its place and row, and what is soft.

    Weights have a column where one is not 1; those of soft names are multiplied by them here. The
    end token is learned, whatever the padding is. Where no name is learned, none is read.
    """
    columns: dict[str, list[Any]] = {
        "input_ids": [_read(sample, losses) for sample in samples],
        "labels": [_learned(sample, losses, completion_only) for sample in samples],
    }
    if losses.head:
        columns[ANSWER_AT] = [sample.answer_at for sample in samples]
        columns[ROW] = [sample.row for sample in samples]
    if any(sample.weight != 1 for sample in samples):
        columns[WEIGHT] = [sample.weight for sample in samples]
    return Dataset.from_dict(columns | _soft_columns(samples, losses))


def _soft_columns(samples: Sequence[Tokens], losses: AnswerLosses) -> dict[str, list[Any]]:
    soft = [(one.answer_at, one.soft, one.weight) for one in samples if one.soft is not None]
    columns: dict[str, list[Any]] = {}
    if soft and losses.head:
        columns[UNITS] = [one.units.tolist() for _, one, _ in soft]
    if soft and losses.names:
        columns[SOFT_PLACES] = [
            [
                [at + place, token]
                for place, token in zip(one.names.places, one.names.tokens, strict=True)
            ]
            for at, one, _ in soft
        ]
        columns[SOFT_WEIGHTS] = [[w * each for each in one.names.weights] for _, one, w in soft]
    return columns


def _read(sample: Tokens, losses: AnswerLosses) -> list[int]:
    return sample.ids if losses.names else sample.ids[: sample.answer_at + 1]


def _learned(sample: Tokens, losses: AnswerLosses, completion_only: bool) -> list[int]:
    if not losses.names:
        # Its loss has no weight. But a sample from which no token is learned would make the mean
        # over tokens NaN, and unsloth refuses it.
        return [IGNORED] * sample.answer_at + [sample.ids[sample.answer_at]]
    if completion_only:
        return [IGNORED] * sample.question + sample.ids[sample.question :]
    return sample.ids
