"""Answers held-out tickets with a trained adapter as serving does, by its head or by names."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import gc
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.calibration import Floats
from classifier.engine.engine import Engine
from classifier.fp8_gate import FP8_AGREEMENT
from classifier.labels.head import HEAD, Head
from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.backbone import load_backbone
from classifier.model.mode import Mode
from classifier.setup import AnswerBy
from core.errors import PaidanError
from training.adapter.divergence import check_scores
from training.adapter.preparation import Preparation
from training.held_out import HeldOut
from training.progress import Progress

Rows = NDArray[np.int64]


class Scorer:
    """Scores held-out tickets with what was trained.

    Parameters:
        prepared: whose held-out tickets are scored.
        adapter_dir: holds the adapter and, if one was learned, the head.
        mode: in which the base is loaded.
    """

    def __init__(self, prepared: Preparation, adapter_dir: Path, mode: Mode = "nf4") -> None:
        self.prepared = prepared
        backbone = load_backbone(prepared.base, mode)
        config, weights = ((adapter_dir / name).read_bytes() for name in (CONFIG, WEIGHTS))
        adapter = parse_adapter(adapter_dir, config, weights, backbone.model)
        self.engine = Engine(
            backbone,
            adapter,
            prepared.setup.prompt(backbone.tokenizer),
            head=_read_head(prepared, adapter_dir, backbone.model.config.hidden_size),
        )

    @property
    def ways(self) -> tuple[AnswerBy, ...]:
        """By what it can answer: what the recipe has learned."""
        losses = self.prepared.recipe.answer
        return (*(("head",) if losses.head else ()), *(("names",) if losses.names else ()))

    def codes(self, by: AnswerBy) -> tuple[str, ...]:
        """Return the units' codes in the order of the scores."""
        units = self.prepared.setup.units
        return self.prepared.taught if by == "head" else tuple(unit.code for unit in units)

    def score(self, by: AnswerBy, rows: Rows, added: Floats | float = 0.0) -> HeldOut:
        """Return the answers to some of the scored tickets.

        Args:
            by: what answers.
            rows: (n,) of the tickets.
            added: (n, units) to the scores.

        Raises:
            InputError: the training diverged.
        """
        samples = [self.prepared.scored[row] for row in rows.tolist()]
        numbers = {code: number for number, code in enumerate(self.codes(by))}
        labels = np.array([numbers[sample.unit] for sample in samples], dtype=np.int64)
        logits = self._logits(by, [sample.text for sample in samples])
        check_scores(logits)
        return HeldOut(logits + added, labels, self.prepared.groups[rows])

    def _logits(self, by: AnswerBy, texts: list[str]) -> Floats:
        if by == "head":
            return self.engine.head_logits(texts)
        codes = self.codes(by)
        found = [[one[code] for code in codes] for one in self.engine.scores(texts)]
        return np.array(found, dtype=np.float64).reshape(len(texts), len(codes))


def compare_fp8(
    prepared: Preparation,
    adapter_dir: Path,
    by: AnswerBy,
    rows: Rows,
    answers: NDArray[np.int64],
    added: Floats | float,
    progress: Progress,
) -> dict[str, float]:
    """Return how often fp8 answers as nf4 does; nothing without fp8.

    Args:
        prepared: as for ``Scorer``.
        adapter_dir: as for ``Scorer``.
        by: what the version answers by.
        rows: (n,) of the scored tickets to compare.
        answers: (n,) the numbers of the units that nf4 answers with.
        added: (n, units) what the version adds to the scores, see ``Scorer.score``.
        progress: is told why there is no comparison.
    """
    if not torch.cuda.is_available() or len(rows) == 0:
        return {}
    free_memory()
    try:
        rounded = Scorer(prepared, adapter_dir, "fp8").score(by, rows, added)
    except (PaidanError, RuntimeError) as error:  # no reason to lose what was trained
        progress.say(f"not compared in fp8: {error}")
        return {}
    return {FP8_AGREEMENT: float((rounded.logits.argmax(axis=1) == answers).mean())}


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    if "bitsandbytes" in sys.modules:  # it keeps the embedding of each 8-bit training
        from bitsandbytes.optim import GlobalOptimManager

        GlobalOptimManager.get_instance().initialize()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _read_head(prepared: Preparation, adapter_dir: Path, hidden: int) -> Head | None:
    if not prepared.recipe.answer.head:
        return None
    path = adapter_dir / HEAD
    return Head.parse(path, path.read_bytes(), prepared.taught, hidden)
