"""Embeddings begin near each other where tokens stand in the same tickets."""

import itertools

import pytest
import torch
from transformers import Qwen2Tokenizer

from core.text import model_text
from tests.support.unlabelled import unlabelled
from training.standin.embeddings import cooccurrence_embeddings
from training.standin.tokenizer import encode, train_tokenizer

TICKETS = unlabelled(100)


@pytest.fixture(scope="module")
def tokenizer() -> Qwen2Tokenizer:
    return train_tokenizer(TICKETS, 600)


def test_tokens_that_always_stand_together_are_nearer_than_two_by_chance(
    tokenizer: Qwen2Tokenizer,
) -> None:
    vectors = cooccurrence_embeddings(TICKETS, tokenizer, width=16, seed=1)

    assert vectors.shape == (len(tokenizer), 16)
    assert vectors.dtype == torch.float32
    rows = [set(row) for row in encode(tokenizer, [model_text(*ticket) for ticket in TICKETS])]
    common = sorted(set.union(*rows))
    found = {token: frozenset(n for n, row in enumerate(rows) if token in row) for token in common}
    pairs = [(a, b) for a, b in itertools.combinations(common, 2) if 1 < len(found[a]) < 10]
    together = [pair for pair in pairs if found[pair[0]] == found[pair[1]]]
    apart = [pair for pair in pairs if not found[pair[0]] & found[pair[1]]]

    def mean_likeness(of: list[tuple[int, int]]) -> float:
        first, second = (vectors[[pair[n] for pair in of]] for n in (0, 1))
        return float(torch.cosine_similarity(first, second).mean())

    assert mean_likeness(together) > mean_likeness(apart) + 0.3


def test_the_same_seed_gives_the_same_vectors(tokenizer: Qwen2Tokenizer) -> None:
    first, again = (cooccurrence_embeddings(TICKETS, tokenizer, 8, seed=1) for _ in range(2))

    assert torch.equal(first, again)
