"""Rows of tokens to learn: some sentences of a ticket are shown, the others are asked for."""

import random
import re
from collections.abc import Sequence

import torch
from transformers import Qwen2Tokenizer

from classifier.labels.prompt import cut_middle
from core.text import model_text
from training.standin.frame import ANSWER, QUESTION, RESPONSE
from training.standin.settings import StandinSettings
from training.standin.tokenizer import Ticket, encode

_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?\n]*")
_MOST_TOKENS = 512
_HIDDEN_SHARE = 0.4


def padded_batches(
    source: Sequence[Ticket],
    tokenizer: Qwen2Tokenizer,
    settings: StandinSettings,
    rng: random.Random,
) -> list[torch.Tensor]:
    """Arrange the tickets in padded batches of like length, (rows, tokens) int64, shuffled."""
    batches: list[list[list[int]]] = [[]]
    rows = [row for _ in range(settings.passes) for row in learned_rows(source, tokenizer, rng)]
    for row in sorted(rows, key=len):
        if (len(batches[-1]) + 1) * len(row) > settings.batch_tokens:
            batches.append([])
        batches[-1].append(row)
    rng.shuffle(batches)
    return [_padded(rows, tokenizer.pad_token_id) for rows in batches]


def learned_rows(
    source: Sequence[Ticket], tokenizer: Qwen2Tokenizer, rng: random.Random
) -> list[list[int]]:
    """Return each ticket as one row of tokens: what is shown, ``</think>``, what is asked for."""
    pairs = [_question_and_answer(title, text, rng) for title, text in source]
    questions = encode(tokenizer, [question for question, _ in pairs])
    answers = encode(tokenizer, [answer for _, answer in pairs])
    asked = [tokenizer.bos_token_id, *tokenizer(QUESTION)["input_ids"]]
    replied = [*tokenizer(RESPONSE)["input_ids"], *tokenizer(ANSWER)["input_ids"]]
    room = _MOST_TOKENS - len(asked) - len(replied) - 1  # 1 for the end token
    rows = []
    for question, answer in zip(questions, answers, strict=True):
        # Of a long ticket both are cut, so that each row holds the place between them.
        shown = cut_middle(question, max(room // 2, room - len(answer)))
        told = answer[: room - len(shown)]
        rows.append([*asked, *shown, *replied, *told, tokenizer.eos_token_id])
    return rows


def _question_and_answer(title: str | None, text: str, rng: random.Random) -> tuple[str, str]:
    """Hide some of the ticket's parts, title or sentences, and ask for them."""
    parts = [*([f"{title}\n"] if title and title != text else []), *_SENTENCE.findall(text)]
    if len(parts) < 2:
        whole = "".join(parts) or text
        middle = rng.randrange(1, max(2, len(whole)))
        parts = [whole[:middle], whole[middle:]]
    hidden = {place for place in range(len(parts)) if rng.random() < _HIDDEN_SHARE}
    hidden = hidden or {rng.randrange(len(parts))}
    shown = "".join(part for place, part in enumerate(parts) if place not in hidden)
    told = "".join(part for place, part in enumerate(parts) if place in hidden)
    return model_text(None, shown), model_text(None, told)


def _padded(rows: Sequence[Sequence[int]], pad: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
