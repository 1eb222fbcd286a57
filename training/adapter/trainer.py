"""Runs TRL's trainer over a 4-bit base: learns an adapter, and a head over the units with it."""

from training.adapter import unsloth_first  # isort: split

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import TrainOutput

from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.device import pick_device
from training.adapter.arguments import sft_config
from training.adapter.checkpoints import CheckpointCallback, Checkpoints, step_of
from training.adapter.cpu_trainer import CpuTrainer
from training.adapter.divergence import check_weights
from training.adapter.fast.trainer import FastTrainer
from training.adapter.joint_trainer import JointTrainer, TicketCollator
from training.adapter.loading import load_with_adapter
from training.adapter.measuring import StepCallback
from training.adapter.preparation import Preparation
from training.adapter.recipe import Recipe
from training.adapter.tokens import as_dataset
from training.adapter.unit_head import UnitHead
from training.progress import Progress


@dataclass(frozen=True, slots=True)
class Run:
    """What a finished run is known by; seconds are those of its last try."""

    steps: int
    seconds: float
    loss: float
    through: str


def fine_tune(
    prepared: Preparation,
    target: Path,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> Run:
    """Train an adapter and a head, and write them to ``target``.

    Args:
        prepared: what is learned from; the base is loaded afresh, in 4 bits.
        target: a directory; gets adapter_config.json and adapter_model.safetensors as peft writes
            them, and head.safetensors unless the recipe leaves the head out.
        progress: is told of each step.
        checkpoints: where the training leaves them, and goes on from the newest one that an earlier
            try of the same training left; the weights are those of a training without a break.

    Raises:
        InputError: the training diverged, or TRL does not take the recipe on this machine.
    """
    device = pick_device()
    model = load_with_adapter(prepared.base, prepared.recipe, device)
    with tempfile.TemporaryDirectory(prefix="paidan-train-") as output:
        folder = Path(output) if checkpoints is None else checkpoints.folder
        trainer = make_trainer(model, prepared, folder, device, progress)
        newest = None
        if checkpoints is not None:
            trainer.validated = _validated(prepared, trainer)
            newest = _continue_from(trainer, checkpoints, progress)
        with warnings.catch_warnings():
            # torch's checkpointing and data loader remark on what a run without a GPU does not use
            warnings.simplefilter("ignore")
            done = _train(trainer, newest)
    check_weights(trainer.model, done.global_step)
    model.save_pretrained(str(target))
    (target / "README.md").unlink(missing_ok=True)  # peft's empty model card
    if trainer.unit_head is not None:
        trainer.unit_head.learned().save(target)
    return Run(
        steps=int(done.global_step),
        seconds=float(done.metrics.get("train_runtime", 0)),
        loss=float(done.training_loss),
        through=through(prepared.recipe),
    )


def _validated(prepared: Preparation, trainer: JointTrainer) -> list[dict[str, Any]]:
    """Return the held-out samples whose loss a run's curves show, as the trainer reads samples."""
    completion_only = bool(trainer.args.completion_only_loss)
    tokens = prepared.validated_tokens()
    rows: list[dict[str, Any]] = as_dataset(
        tokens, prepared.recipe.answer, completion_only=completion_only
    ).to_list()
    return rows


def _continue_from(
    trainer: JointTrainer, checkpoints: Checkpoints, progress: Progress
) -> Path | None:
    """Have a trainer leave checkpoints; return the one that it is to go on from."""
    trainer.add_callback(CheckpointCallback(checkpoints))
    newest = checkpoints.newest()
    if newest is not None:
        step = step_of(newest)
        progress.say(f"going on from step {step:,}, where an earlier try was interrupted")
    return newest


def _train(trainer: JointTrainer, newest: Path | None) -> TrainOutput:
    """Train, or train on. Of a training that had come to its end, take what was learned."""
    if newest is None:
        return trainer.train()
    state = TrainerState.load_from_json(str(newest / TRAINER_STATE_NAME))
    if state.global_step < state.max_steps:
        done = trainer.train(resume_from_checkpoint=str(newest))
        state, metrics = trainer.state, done.metrics
    else:  # the library would train one step more
        trainer.take(newest)
        metrics = {}
    # Its own mean is of the steps since the break.
    losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
    return TrainOutput(state.global_step, sum(losses) / max(1, len(losses)), metrics)


def through(recipe: Recipe) -> str:
    """Return by what a recipe is trained here: unsloth, peft, or the fast path."""
    if recipe.compute.path == "fast":
        return "fast"
    return "unsloth" if unsloth_first.AVAILABLE else "peft"


def make_trainer(
    model: Any,
    prepared: Preparation,
    output: Path,
    device: torch.device,
    progress: Progress,
) -> JointTrainer:
    """Return what trains a loaded model as the recipe says, at its first step."""
    recipe, tokenizer = prepared.recipe, load_tokenizer(prepared.base)
    arguments = sft_config(recipe, len(prepared.known), output, device, progress)
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    told = StepCallback(progress, recipe.samples_per_step)
    trainer = _trainer_class(recipe, device)(
        model=model,
        args=arguments,
        data_collator=TicketCollator(pad, arguments.pad_to_multiple_of)
        if recipe.answer.head or prepared.soft is not None or prepared.is_weighted
        else None,
        processing_class=tokenizer,
        train_dataset=as_dataset(
            prepared.tokens(), recipe.answer, completion_only=bool(arguments.completion_only_loss)
        ),
        callbacks=[told],
    )
    told.validation = trainer.validation_loss
    trainer.remove_callback(PrinterCallback)  # it prints logs as dictionaries
    # TRL makes a 4-bit model's adapter bfloat16: slow on a CPU, and too coarse for small steps
    # everywhere. Unsloth leaves it in float32, too.
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    if isinstance(trainer, FastTrainer):
        trainer.memory_limit = recipe.compute.memory
    if recipe.answer.head:
        trainer.attach(_fresh_head(prepared, model.config.hidden_size, device))
    return trainer


def _trainer_class(recipe: Recipe, device: torch.device) -> type[JointTrainer]:
    if recipe.compute.path == "fast":
        return FastTrainer
    return JointTrainer if device.type == "cuda" else CpuTrainer  # TRL's loss is a Triton kernel


def _fresh_head(prepared: Preparation, hidden: int, device: torch.device) -> UnitHead:
    recipe = prepared.recipe
    head = UnitHead(prepared.taught, hidden, recipe.answer, recipe.lora.random_state)
    return head.to(device)
