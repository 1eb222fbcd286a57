"""The stand-in's weights: what a small transformer learns from rows of tickets."""

import random
import time
from collections.abc import Sequence

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

from classifier.labels.template import END_THINK
from training.progress import Progress
from training.standin.embeddings import cooccurrence_embeddings
from training.standin.frame import POSITIONS
from training.standin.rows import padded_batches
from training.standin.settings import StandinSettings
from training.standin.tokenizer import Ticket

_SECONDS_BETWEEN_LINES = 10.0


def train_language_model(
    source: Sequence[Ticket],
    tokenizer: Qwen2Tokenizer,
    settings: StandinSettings,
    seed: int,
    progress: Progress,
) -> Qwen2ForCausalLM:
    """Return a model that has read all tickets; float32. ``progress`` is told the loss."""
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(_config(tokenizer, settings))
    progress.say(f"model: {model.num_parameters():,} parameters")
    embeddings = cooccurrence_embeddings(source, tokenizer, settings.hidden, seed)
    with torch.no_grad():
        model.get_input_embeddings().weight.add_(embeddings)
    batches = padded_batches(source, tokenizer, settings, random.Random(seed))
    optimizer = _optimizer(model, settings)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=len(batches), pct_start=settings.warmup
    )
    thought = tokenizer.convert_tokens_to_ids(END_THINK)
    started = said = time.monotonic()
    model.train()
    for step, batch in enumerate(batches, start=1):
        loss = _step(model, batch, thought, settings)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES or step == len(batches):
            said = time.monotonic()
            progress.say(f"step {step} of {len(batches)}: loss {loss:.3f}, {said - started:.0f} s")
    return model.eval()


def _config(tokenizer: Qwen2Tokenizer, settings: StandinSettings) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        intermediate_size=settings.intermediate,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.kv_heads,
        max_position_embeddings=POSITIONS,
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
    loss = loss_of(model, batch, thought, settings)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return loss.item()


def loss_of(
    model: Qwen2ForCausalLM, batch: torch.Tensor, thought: int, settings: StandinSettings
) -> torch.Tensor:
    """Return the loss of the next token, plus that of the whole answer from where it begins.

    The second loss trains the place behind ``</think>``, where labels will be decided. Each token
    of the answer is to be foretold there, whatever its position, so the place learns to carry the
    gist of the ticket.
    """
    target = batch[:, 1:]
    # Padding stands at the end, where no token sees it: it needs no mask. It counts for no loss.
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
