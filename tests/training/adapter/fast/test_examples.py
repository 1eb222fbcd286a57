"""A padded batch's samples come out as they went in, and what they share is found."""

import numpy as np
import pytest
import torch

from tests.support.packed import make_examples
from training.adapter.fast.examples import Example, examples_of, shared_prefix
from training.adapter.joint_trainer import TicketCollator
from training.adapter.tokens import IGNORED

END = 9
ROWS = [
    {"input_ids": [1, 2, 3, END], "labels": [IGNORED, IGNORED, 3, END], "answer_at": 1, "row": 4},
    {"input_ids": [1, 2, END], "labels": [1, 2, END], "answer_at": 0, "row": 2},
]


def example(*ids: int) -> Example:
    return Example(np.array(ids), np.arange(1, len(ids)))


def test_samples_come_out_of_a_padded_batch_even_where_padding_is_the_end_token() -> None:
    first, second = examples_of(TicketCollator(END)(ROWS))

    assert (first.ids.tolist(), first.learned.tolist()) == ([1, 2, 3, END], [2, 3])
    assert (second.ids.tolist(), second.learned.tolist()) == ([1, 2, END], [1, 2])
    assert [(one.answer_at, one.row) for one in (first, second)] == [(1, 4), (0, 2)]


def test_a_batch_without_a_head_says_nothing_of_answers() -> None:
    batch = TicketCollator(END)(ROWS)

    found = examples_of({n: v for n, v in batch.items() if n not in ("answer_at", "row")})

    assert [one.answer_at for one in found] == [None, None]


def test_a_batch_with_more_than_it_knows_is_refused_not_read_in_part() -> None:
    batch = TicketCollator(END)(ROWS) | {"colour": torch.ones(2)}

    with pytest.raises(ValueError, match="no loss of colour"):
        examples_of(batch)


@pytest.mark.parametrize(
    ("some", "shared"),
    [
        ([(1, 2, 3, 4), (1, 2, 5), (1, 2, 3, 6)], 2),
        ([(7, 2), (1, 2)], 0),
        # One is the beginning of the other; a sample keeps a token of its own.
        ([(1, 2, 3), (1, 2, 3, 4)], 2),
        ([(1, 2, 3)], 2),
        ([(1, 2), (1, 2)], 1),
    ],
)
def test_the_longest_common_beginning_is_shared_but_never_a_whole_sample(
    some: list[tuple[int, ...]], shared: int
) -> None:
    assert shared_prefix([example(*ids) for ids in some]) == shared


def test_an_instruction_is_found_without_being_told() -> None:
    assert shared_prefix(make_examples([3, 50, 1], prefix=20)) == 20
