"""Scores held-out tickets with a trained adapter as serving does."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import gc
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.engine.engine import Engine
from classifier.fp8_gate import FP8_AGREEMENT
from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.backbone import load_backbone
from classifier.model.mode import Mode
from core.errors import PaidanError
from training.adapter.preparation import Preparation
from training.progress import Progress


def score(
    prepared: Preparation, adapter_dir: Path, mode: Mode = "nf4"
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (n, units) scores of held-out tickets, and the (n,) numbers of their right units."""
    backbone = load_backbone(prepared.base, mode)
    config, weights = ((adapter_dir / name).read_bytes() for name in (CONFIG, WEIGHTS))
    adapter = parse_adapter(adapter_dir, config, weights, backbone.model)
    engine = Engine(backbone, adapter, prepared.setup.prompt(backbone.tokenizer))
    codes = [unit.code for unit in prepared.setup.units]
    samples = prepared.scored
    found = engine.scores([sample.text for sample in samples])
    scores = [[one[code] for code in codes] for one in found]
    numbers = {code: number for number, code in enumerate(codes)}
    labels = np.array([numbers[sample.unit] for sample in samples], dtype=np.int64)
    return np.array(scores, dtype=np.float64).reshape(len(samples), len(codes)), labels


def compare_fp8(
    prepared: Preparation, adapter_dir: Path, scores: NDArray[np.float64], progress: Progress
) -> dict[str, float]:
    """Return how often fp8 answers as nf4, whose ``scores`` these are; nothing without fp8."""
    if not torch.cuda.is_available() or len(scores) == 0:
        return {}
    free_memory()
    try:
        rounded, _ = score(prepared, adapter_dir, "fp8")
    except (PaidanError, RuntimeError) as error:  # no reason to lose what was trained
        progress.say(f"not compared in fp8: {error}")
        return {}
    return {FP8_AGREEMENT: float((rounded.argmax(axis=1) == scores.argmax(axis=1)).mean())}


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
