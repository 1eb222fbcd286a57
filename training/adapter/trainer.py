"""Runs TRL's SFTTrainer over a 4-bit base."""

from training.adapter import unsloth_first  # isort: split

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from trl import SFTTrainer

from classifier.model.bases.base import Base
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.device import pick_device
from training.adapter.arguments import sft_config
from training.adapter.cpu_trainer import CpuTrainer
from training.adapter.loading import load_with_adapter
from training.adapter.recipe import Recipe
from training.adapter.tokens import Tokens, as_dataset
from training.progress import Progress


@dataclass(frozen=True, slots=True)
class Run:
    """What a finished run is known by."""

    steps: int
    seconds: float
    loss: float
    through: str


def fine_tune(
    base: Base, samples: Sequence[Tokens], recipe: Recipe, target: Path, progress: Progress
) -> Run:
    """Train an adapter on tokenised samples and write it to ``target`` as peft does.

    Args:
        base: the base model; loaded afresh, in 4 bits.
        samples: n samples.
        recipe: the settings.
        target: a directory; gets adapter_config.json and adapter_model.safetensors.
        progress: is told of each step.
    """
    device = pick_device()
    model = load_with_adapter(base, recipe, device)
    with tempfile.TemporaryDirectory(prefix="paidan-train-") as output:
        trainer = _trainer(model, base, samples, recipe, Path(output), device, progress)
        with warnings.catch_warnings():
            # torch's checkpointing and data loader remark on what a run without a GPU does not use
            warnings.simplefilter("ignore")
            done = trainer.train()
    model.save_pretrained(str(target))
    (target / "README.md").unlink(missing_ok=True)  # peft's empty model card
    return Run(
        steps=int(done.global_step),
        seconds=float(done.metrics["train_runtime"]),
        loss=float(done.training_loss),
        through="unsloth" if unsloth_first.AVAILABLE else "peft",
    )


def _trainer(
    model: Any,
    base: Base,
    samples: Sequence[Tokens],
    recipe: Recipe,
    output: Path,
    device: torch.device,
    progress: Progress,
) -> SFTTrainer:
    tokenizer = load_tokenizer(base)
    arguments = sft_config(recipe, len(samples), output, device, progress)
    # TRL's own loss is a Triton kernel.
    trainer_class = SFTTrainer if device.type == "cuda" else CpuTrainer
    trainer = trainer_class(
        model=model,
        args=arguments,
        processing_class=tokenizer,
        train_dataset=as_dataset(samples, completion_only=bool(arguments.completion_only_loss)),
        callbacks=[_StepCallback(progress)],
    )
    trainer.remove_callback(PrinterCallback)  # it prints logs as dictionaries
    if device.type == "cpu":  # TRL makes a 4-bit model's adapter bfloat16, slow and coarse here
        for weight in trainer.model.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()
    return trainer


class _StepCallback(TrainerCallback):
    """Passes on each step and the newest loss."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._loss: float | None = None

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Remember the loss."""
        del args, state, control
        self._loss = (logs or {}).get("loss", self._loss)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Tell of the step."""
        del args, control
        self._progress.step(state.global_step, state.max_steps, self._loss)
