"""Trains the stand-in's tokenizer on tickets."""

from collections.abc import Sequence

from transformers import Qwen2Tokenizer

from classifier.labels.template import END_THINK, THINK
from core.text import model_text
from training.standin.frame import BEGIN, END, HEADINGS, PAD, POSITIONS

Ticket = tuple[str | None, str]
"""A ticket without its label: title and text."""

TOKENIZER_TICKETS = 20_000
"""From how many tickets the vocabulary is learned at most."""


def train_tokenizer(source: Sequence[Ticket], vocabulary: int) -> Qwen2Tokenizer:
    """Return a byte-level BPE tokenizer of Qwen2's kind; it adds no special tokens by itself.

    Of that kind and no other: AutoTokenizer takes the class from the model's type.
    """
    tickets = [model_text(title, text) for title, text in source[:TOKENIZER_TICKETS]]
    untrained = Qwen2Tokenizer(
        bos_token=BEGIN,
        eos_token=END,
        unk_token=END,
        pad_token=PAD,
        additional_special_tokens=[THINK, END_THINK],
        model_max_length=POSITIONS,
    )
    # The headings as often as tickets, so that each of their words becomes one token.
    return untrained.train_new_from_iterator(
        [tickets, list(HEADINGS) * len(tickets)], vocabulary, show_progress=False
    )


def encode(tokenizer: Qwen2Tokenizer, texts: list[str]) -> list[list[int]]:
    """Return the tokens of each text."""
    # Not verbose: it would remark on long tickets, which are cut.
    encoded: list[list[int]] = tokenizer(texts, verbose=False)["input_ids"]
    return encoded
