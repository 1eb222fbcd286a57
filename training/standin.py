"""Builds the stand-in base: a language model of some 2 M parameters that stands for the real LLM.

It proves the way (4-bit base, LoRA adapter, labels searched exactly) where there is no GPU and no
model hub; it is no LLM, and knows nothing but tickets. It learns from tickets without labels: it
reads some of a ticket's sentences and writes the others, in the frame of the prompt that it will be
fine-tuned and asked with.
"""

import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer
from transformers.utils.logging import disable_progress_bar

from classifier.labels.prompt import cut_middle
from core.errors import InputError
from core.text import model_text

# Its bar of files written is no news.
disable_progress_bar()

Progress = Callable[[str], None]
Ticket = tuple[str | None, str]
"""A ticket without its label: title and text."""

BEGIN, END, PAD, THINK, THOUGHT = "<|begin|>", "<|end|>", "<|pad|>", "<think>", "</think>"

# The frame of the prompt the base will be fine-tuned and asked with, each piece tokenised apart.
QUESTION = "### Question:\n"
RESPONSE = f"\n### Response:\n{THINK}\n"
ANSWER = f"\n{THOUGHT}\n"
HEADINGS = (QUESTION, "\n### Response:\n", "### Instruction:\n")

_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?\n]*")

_TOKENIZER_TICKETS = 20_000
BUILD = "build.json"
"""How a stand-in was made: seed, settings, and the hash of each file."""
_LEAST_TICKETS = 100
TICKETS = 40_000
"""How many tickets a stand-in learns from at most."""
_MOST_TOKENS = 512
_POSITIONS = 2048
_HIDDEN_SHARE = 0.4
_EMBEDDING_SCALE = 0.05
_SECONDS_BETWEEN_LINES = 10.0


@dataclass(frozen=True, slots=True)
class StandinSettings:
    """How the stand-in is built.

    Parameters:
        vocabulary: tokens, the five special ones included.
        hidden, intermediate: widths, multiples of 64 as NF4 quantises blocks of 64.
        layers, heads, kv_heads: of the transformer.
        batch_tokens: about so many tokens a step, padding included.
        learning_rate: highest, after the warm-up.
        warmup: share of the steps.
        weight_decay: of AdamW, on matrices.
        gist_weight: of the second loss, see ``_loss``.
        bf16: whether to compute in bfloat16 where it is accurate enough.
        passes: how often each ticket is read, other sentences of it hidden each time.
        threads: of PyTorch; with another number the sums round otherwise.
    """

    vocabulary: int = 4096
    hidden: int = 256
    intermediate: int = 256
    layers: int = 3
    heads: int = 8
    kv_heads: int = 2
    batch_tokens: int = 2048
    learning_rate: float = 3e-3
    warmup: float = 0.05
    weight_decay: float = 0.05
    gist_weight: float = 1.0
    bf16: bool = True
    passes: int = 1
    threads: int = 2


def build_standin(
    target: Path,
    texts: Iterable[Ticket],
    *,
    tickets: int = TICKETS,
    seed: int = 3407,
    settings: StandinSettings | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a stand-in as a transformers model directory, and in build.json how it was made.

    The same tickets, settings and seed give the same weights on one type of machine.

    Args:
        target: the directory, made where it is missing; files of the same names are replaced.
        texts: unlabelled tickets (title, text) to learn from.
        tickets: how many of them to take at most.
        seed: of the weights and of the order.
        settings: see ``StandinSettings``.
        progress: called with a line of text every ten seconds or so.

    Raises:
        InputError: there are under a hundred tickets.
    """
    say = progress or (lambda _: None)
    settings = settings or StandinSettings()
    source = list(islice(texts, tickets))
    if len(source) < _LEAST_TICKETS:
        raise InputError(
            f"{len(source)} tickets are too few to build a stand-in: give at least {_LEAST_TICKETS}"
        )
    tokenizer = train_tokenizer(source, settings.vocabulary)
    say(f"tokenizer: {len(tokenizer)} tokens, from {min(len(source), _TOKENIZER_TICKETS)} tickets")
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        model = train_language_model(source, tokenizer, settings, seed, say)
    finally:
        torch.set_num_threads(threads)
    target.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(target)
    tokenizer.save_pretrained(target)
    files = [target / "model.safetensors", *target.glob("*.json")]
    facts = {
        "seed": seed,
        "tickets": len(source),
        "settings": asdict(settings),
        "sha256": {path.name: _finish(path) for path in sorted(files) if path.name != BUILD},
    }
    (target / BUILD).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def train_tokenizer(source: Sequence[Ticket], vocabulary: int) -> Qwen2Tokenizer:
    """Return a byte-level BPE tokenizer of Qwen2's kind; it adds no special tokens by itself.

    Of that kind and no other: AutoTokenizer takes the class from the model's type.
    """
    tickets = [model_text(title, text) for title, text in source[:_TOKENIZER_TICKETS]]
    untrained = Qwen2Tokenizer(
        bos_token=BEGIN,
        eos_token=END,
        unk_token=END,
        pad_token=PAD,
        additional_special_tokens=[THINK, THOUGHT],
        model_max_length=_POSITIONS,
    )
    # The headings as often as tickets, so that each of their words becomes one token.
    return untrained.train_new_from_iterator(
        [tickets, list(HEADINGS) * len(tickets)], vocabulary, show_progress=False
    )


def train_language_model(
    source: Sequence[Ticket],
    tokenizer: Qwen2Tokenizer,
    settings: StandinSettings,
    seed: int,
    say: Progress,
) -> Qwen2ForCausalLM:
    """Return a model that has read all tickets; float32."""
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(_config(tokenizer, settings))
    say(f"model: {model.num_parameters():,} parameters")
    embeddings = cooccurrence_embeddings(source, tokenizer, settings.hidden, seed)
    with torch.no_grad():
        model.get_input_embeddings().weight.add_(embeddings)
    batches = _batches(source, tokenizer, settings, random.Random(seed))
    optimizer = _optimizer(model, settings)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=len(batches), pct_start=settings.warmup
    )
    thought = tokenizer.convert_tokens_to_ids(THOUGHT)
    started = said = time.monotonic()
    model.train()
    for step, batch in enumerate(batches, start=1):
        loss = _step(model, batch, thought, settings)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES or step == len(batches):
            said = time.monotonic()
            say(f"step {step} of {len(batches)}: loss {loss:.3f}, {said - started:.0f} s")
    return model.eval()


def cooccurrence_embeddings(
    source: Sequence[Ticket], tokenizer: Qwen2Tokenizer, width: int, seed: int
) -> torch.Tensor:
    """Return (tokens, width) float32 vectors, alike where tokens stand in the same tickets.

    Positive pointwise mutual information, factorised; Levy and Goldberg, "Neural Word Embedding as
    Implicit Matrix Factorization", NIPS 2014. From such a start the few thousand steps suffice.
    """
    texts = [model_text(title, text) for title, text in source]
    rows = [sorted(set(row)) for row in _encode(tokenizer, texts)]
    places = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    tokens = np.concatenate([np.asarray(row) for row in rows])
    shape = len(rows), len(tokenizer)
    seen = csr_matrix((np.ones(len(tokens), np.float32), (places, tokens)), shape)
    pairs = (seen.T @ seen).tocoo()
    counts = np.asarray(seen.sum(axis=0)).ravel()
    information = np.log(pairs.data * len(rows) / (counts[pairs.row] * counts[pairs.col]))
    information = np.maximum(information, 0) * (pairs.row != pairs.col)
    matrix = csr_matrix((information, (pairs.row, pairs.col)), pairs.shape)
    start = np.random.default_rng(seed).standard_normal(len(tokenizer))
    left, strengths, _ = svds(matrix.astype(np.float32), k=width, v0=start.astype(np.float32))
    vectors = left * np.sqrt(strengths)
    return torch.from_numpy((vectors * (_EMBEDDING_SCALE / vectors.std())).astype(np.float32))


def learned_rows(
    source: Sequence[Ticket], tokenizer: Qwen2Tokenizer, rng: random.Random
) -> list[list[int]]:
    """Return each ticket as one row of tokens: what is shown, ``</think>``, what is asked for."""
    pairs = [_question_and_answer(title, text, rng) for title, text in source]
    questions = _encode(tokenizer, [question for question, _ in pairs])
    answers = _encode(tokenizer, [answer for _, answer in pairs])
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


def _finish(path: Path) -> str:
    path.chmod(0o644)  # safetensors lets only its writer read
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _config(tokenizer: Qwen2Tokenizer, settings: StandinSettings) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        intermediate_size=settings.intermediate,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.kv_heads,
        max_position_embeddings=_POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _optimizer(model: Qwen2ForCausalLM, settings: StandinSettings) -> torch.optim.Optimizer:
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim == 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )


def _step(
    model: Qwen2ForCausalLM, batch: torch.Tensor, thought: int, settings: StandinSettings
) -> float:
    """Leave the gradients of one batch, (rows, tokens) int64, and return its loss."""
    loss = _loss(model, batch, thought, settings)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return loss.item()


def _loss(
    model: Qwen2ForCausalLM, batch: torch.Tensor, thought: int, settings: StandinSettings
) -> torch.Tensor:
    """Return the loss of the next token, plus that of the whole answer from where it begins.

    The second makes the place behind ``</think>``, where labels will be decided, carry the gist of
    the ticket: each token of the answer is to be foretold there, whatever its position.
    """
    target = batch[:, 1:]
    # Padding stands at the end, where nothing looks back on it: no mask, only no loss.
    is_token = target != model.config.pad_token_id
    # Behind </think> stands a line feed, then the answer.
    is_answer = ((batch == thought).cumsum(dim=1) > 0)[:, :-2] & is_token[:, 1:]
    gist = (batch == thought).int().argmax(dim=1) + 1
    rows, columns = is_answer.nonzero(as_tuple=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
        hidden = model.model(batch[:, :-1]).last_hidden_state
        logits = model.lm_head(hidden[is_token])
        gist_logits = model.lm_head(hidden[torch.arange(len(batch)), gist])
    told = gist_logits.float().log_softmax(dim=-1)[rows, batch[rows, columns + 2]]
    loss = torch.nn.functional.cross_entropy(logits.float(), target[is_token])
    loss -= settings.gist_weight * told.mean()
    return loss


def _batches(
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


def _padded(rows: Sequence[Sequence[int]], pad: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])


def _encode(tokenizer: Qwen2Tokenizer, texts: list[str]) -> list[list[int]]:
    # Not verbose: it would remark on long tickets, which are cut.
    encoded: list[list[int]] = tokenizer(texts, verbose=False)["input_ids"]
    return encoded


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
