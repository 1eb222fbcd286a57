"""Builds a stand-in: a transformers model directory, and beside it how it was made."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from transformers.utils.logging import disable_progress_bar

from core.errors import InputError
from training.progress import SILENT, Progress
from training.standin.settings import StandinSettings
from training.standin.tokenizer import TOKENIZER_TICKETS, Ticket, train_tokenizer
from training.standin.weights import train_language_model

# Its bar of files written is no news.
disable_progress_bar()

BUILD = "build.json"
"""How a stand-in was made: seed, settings, and the hash of each file."""
TICKETS = 40_000
"""How many tickets a stand-in learns from at most."""
_LEAST_TICKETS = 100


def build_standin(
    target: Path,
    texts: Iterable[Ticket],
    *,
    tickets: int = TICKETS,
    seed: int = 3407,
    settings: StandinSettings | None = None,
    progress: Progress = SILENT,
) -> None:
    """Write a stand-in as a transformers model directory, and in build.json how it was made.

    The same tickets, settings and seed give the same weights on one type of machine.

    Args:
        target: the directory, made where it is missing; files of the same names are replaced.
        texts: unlabelled tickets (title, text) to learn from.
        tickets: how many of them to take at most.
        seed: of the weights and of the order.
        settings: see ``StandinSettings``.
        progress: is told a line every ten seconds or so.

    Raises:
        InputError: there are under a hundred tickets.
    """
    settings = settings or StandinSettings()
    source = list(islice(texts, tickets))
    if len(source) < _LEAST_TICKETS:
        raise InputError(
            f"{len(source)} tickets are too few to build a stand-in: give at least {_LEAST_TICKETS}"
        )
    tokenizer = train_tokenizer(source, settings.vocabulary)
    known = min(len(source), TOKENIZER_TICKETS)
    progress.say(f"tokenizer: {len(tokenizer)} tokens, from {known} tickets")
    with _threads(settings.threads):
        model = train_language_model(source, tokenizer, settings, seed, progress)
    target.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(target)
    tokenizer.save_pretrained(target)
    _write_facts(target, {"seed": seed, "tickets": len(source), "settings": asdict(settings)})


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let PyTorch compute with so many threads in a block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _write_facts(target: Path, facts: dict[str, Any]) -> None:
    """Write how the stand-in was made, with the hash of each file."""
    files = [target / "model.safetensors", *target.glob("*.json")]
    hashes = {path.name: _finish(path) for path in sorted(files) if path.name != BUILD}
    (target / BUILD).write_text(json.dumps(facts | {"sha256": hashes}, indent=2) + "\n", "utf-8")


def _finish(path: Path) -> str:
    """Let all read a file, and return its sha256 (hex)."""
    path.chmod(0o644)  # safetensors lets only its writer read
    return hashlib.sha256(path.read_bytes()).hexdigest()
