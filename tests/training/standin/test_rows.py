"""Rows to learn: of every ticket some is shown and some asked for."""

import random

from classifier.labels.template import END_THINK
from tests.support.unlabelled import unlabelled
from training.standin.rows import learned_rows, padded_batches
from training.standin.settings import StandinSettings
from training.standin.tokenizer import train_tokenizer


def test_of_a_long_ticket_some_is_shown_and_some_asked_for() -> None:
    long = [(title, text * repeats) for repeats in (1, 8, 40) for title, text in unlabelled(100)]
    long += [(None, "没有热水"), (None, "！！！")] * 50
    tokenizer = train_tokenizer(long, 600)

    rows = learned_rows(long, tokenizer, random.Random(1))

    thought = tokenizer.convert_tokens_to_ids(END_THINK)
    assert max(map(len, rows)) == 512
    for row in rows:
        assert row.count(thought) == 1
        assert row[-1] == tokenizer.eos_token_id
        assert 4 < row.index(thought) < len(row) - 3
    assert len({len(row) for row in rows[-100:]}) > 2  # one sentence is divided anywhere


def test_batches_hold_every_row_once_a_pass_and_keep_to_their_size() -> None:
    tickets = unlabelled(100)
    tokenizer = train_tokenizer(tickets, 600)
    settings = StandinSettings(passes=2, batch_tokens=1000)

    batches = padded_batches(tickets, tokenizer, settings, random.Random(1))

    assert sum(len(batch) for batch in batches) == 200
    assert all(batch.numel() <= 1000 or len(batch) == 1 for batch in batches)
    pad = tokenizer.pad_token_id
    for batch in batches:
        assert ((batch != pad).sum(dim=1).max()) == batch.shape[1]  # the longest row has none
