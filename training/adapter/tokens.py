"""Training samples as tokens, and what of them is learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset

from training.adapter.recipe import AnswerLosses

IGNORED = -100
"""The label of a token from which nothing is learned."""
ANSWER_AT, ROW = "answer_at", "row"
"""A dataset's columns for the head: see ``Tokens``."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A training sample in tokens.

    Parameters:
        ids: all of them.
        question: how many of them are the question.
        answer_at: place of the token that predicts the answer's first one; there the head reads.
        row: of the unit in the head.
    """

    ids: list[int]
    question: int
    answer_at: int
    row: int


def as_dataset(
    samples: Sequence[Tokens], losses: AnswerLosses, *, completion_only: bool
) -> Dataset:
    """Return the samples with their labels, and for a head with its place and row.

    The end token is learned, whatever the padding is. Where no name is learned, none is read.
    """
    columns: dict[str, list[int] | list[list[int]]] = {
        "input_ids": [_read(sample, losses) for sample in samples],
        "labels": [_learned(sample, losses, completion_only) for sample in samples],
    }
    if losses.head:
        columns[ANSWER_AT] = [sample.answer_at for sample in samples]
        columns[ROW] = [sample.row for sample in samples]
    return Dataset.from_dict(columns)


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
