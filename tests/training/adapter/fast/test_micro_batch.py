"""A micro-batch holds the prefix once, and knows where each sample learns what."""

from dataclasses import replace

import numpy as np

from classifier.model.kv_cache import PAGE
from classifier.model.segment import PADDING, PREFIX
from tests.support.packed import CPU, make_examples
from training.adapter.fast.examples import Example
from training.adapter.fast.micro_batch import MicroBatch

SHARED = 37


def test_the_prefix_stands_once_and_each_sample_counts_its_positions_from_it() -> None:
    examples = make_examples([4, 100, 1])

    made = MicroBatch.of(examples, SHARED, CPU)

    ids, positions = made.ids.flatten().tolist(), made.positions.flatten().tolist()
    assert made.ids.shape == (2, PAGE)
    assert ids[:SHARED] == examples[0].ids[:SHARED].tolist()
    assert ids[SHARED : SHARED + 4] == examples[0].ids[SHARED:].tolist()
    assert ids[SHARED + 4 : SHARED + 104] == examples[1].ids[SHARED:].tolist()
    assert positions[: SHARED + 4] == list(range(SHARED + 4))
    assert positions[SHARED + 4 : SHARED + 104] == list(range(SHARED, SHARED + 100))
    tickets = made.visible.tickets.tolist()
    assert [tickets.count(number) for number in (PREFIX, 0, 1, 2)] == [SHARED, 4, 100, 1]
    assert tickets.count(PADDING) == 2 * PAGE - SHARED - 105


def test_each_learned_token_is_predicted_where_it_would_be_alone() -> None:
    examples = make_examples([4, 100, 1])

    made = MicroBatch.of(examples, SHARED, CPU)

    # Of the prefix each token counts for all samples, and its last one predicts each one's first
    ids = made.ids.flatten()
    learned = list(zip(made.names.places.tolist(), made.names.wanted.tolist(), strict=True))
    weights = made.names.weights.tolist()
    assert learned[: SHARED - 1] == list(enumerate(ids[1:SHARED].tolist()))
    assert weights == [3.0] * (SHARED - 1) + [1.0] * 105
    firsts = [wanted for place, wanted in learned if place == SHARED - 1]
    assert firsts == [example.ids[SHARED] for example in examples]
    assert sum(weights) == sum(len(example.learned) for example in examples)


def test_where_the_answer_alone_is_learned_nothing_of_the_prefix_is() -> None:
    examples = make_examples([4, 100], answer=2)

    made = MicroBatch.of(examples, SHARED, CPU)

    wanted = [token for example in examples for token in example.ids[-2:].tolist()]
    assert made.names.wanted.tolist() == wanted
    assert made.names.places.tolist() == [SHARED + n for n in (1, 2, 101, 102)]


def test_the_head_reads_in_the_sample_or_at_the_prefix_all_share() -> None:
    ids = np.array([1, 2, 3, 4, 5])
    examples = [Example(ids, np.array([4]), at, row) for at, row in ((1, 7), (3, 8), (None, 0))]

    made = MicroBatch.of(examples, 2, CPU)

    assert made.answers.places.tolist() == [1, 2 + 3 + 1]
    assert made.answers.wanted.tolist() == [7, 8]


def test_a_token_of_the_prefix_counts_for_the_weights_of_all_that_learn_it() -> None:
    first, second = make_examples([4, 3])

    made = MicroBatch.of([replace(first, weight=0.5), replace(second, weight=3.0)], SHARED, CPU)

    assert made.names.weights.tolist() == [3.5] * (SHARED - 1) + [0.5] * 4 + [3.0] * 3
    assert made.answers.weights.tolist() == [0.5, 3.0]
