"""The stand-in's tokenizer: tickets come back whole, and the frame costs few tokens."""

import pytest
from transformers import Qwen2Tokenizer

from classifier.labels.template import END_THINK, THINK
from tests.support.unlabelled import unlabelled
from training.standin.frame import BEGIN, END, PAD, QUESTION
from training.standin.tokenizer import encode, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Qwen2Tokenizer:
    return train_tokenizer(unlabelled(100), 600)


def test_any_text_comes_back_whole(tokenizer: Qwen2Tokenizer) -> None:
    texts = ["路灯坏了，请来修。", "never seen before: é 龘 😀"]

    assert [tokenizer.decode(tokens) for tokens in encode(tokenizer, texts)] == texts


@pytest.mark.parametrize("special", [BEGIN, END, PAD, THINK, END_THINK])
def test_each_special_token_is_one(tokenizer: Qwen2Tokenizer, special: str) -> None:
    [tokens] = encode(tokenizer, [special])

    assert len(tokens) == 1


def test_no_special_token_is_added_by_itself(tokenizer: Qwen2Tokenizer) -> None:
    [tokens] = encode(tokenizer, ["路灯"])

    assert tokenizer.decode(tokens) == "路灯"
    assert not {tokenizer.bos_token_id, tokenizer.eos_token_id} & set(tokens)


def test_the_words_of_the_headings_are_tokens(tokenizer: Qwen2Tokenizer) -> None:
    [tokens] = encode(tokenizer, [QUESTION])

    assert "Question" in [tokenizer.decode([token]).strip() for token in tokens]
