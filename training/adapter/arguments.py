"""What a recipe means for TRL's trainer on this hardware."""

from training.adapter import unsloth_first  # isort: split

import math
from pathlib import Path
from typing import Any

import torch
from trl import SFTConfig

from core.errors import InputError
from training.adapter.checkpoints import KEPT
from training.adapter.recipe import Recipe
from training.progress import Progress

_WARM_UP_SHARE = 0.1


def sft_config(
    recipe: Recipe, samples: int, output: Path, device: torch.device, progress: Progress
) -> SFTConfig:
    """Return TRL's arguments for a run over so many samples.

    The warm-up is capped at a tenth of a run that it would take up; ``progress`` is told.

    Raises:
        InputError: TRL does not take the recipe's arguments on this machine.
    """
    arguments = recipe.training_arguments()
    fast = recipe.compute.path == "fast"
    if fast:  # a batch is a step, and is divided by the trainer
        arguments["per_device_train_batch_size"] = recipe.samples_per_step
        arguments["gradient_accumulation_steps"] = 1
    arguments.setdefault("save_total_limit", KEPT)
    arguments["warmup_steps"] = capped_warm_up(recipe, samples, progress)
    on_gpu = device.type == "cuda"
    bf16 = on_gpu and torch.cuda.is_bf16_supported()
    precision = {"bf16": bf16, "fp16": on_gpu and not bf16}
    ours: dict[str, Any] = {
        "gradient_checkpointing": not unsloth_first.AVAILABLE
        and not fast
        and bool(recipe.lora.use_gradient_checkpointing),
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "disable_tqdm": True,
        "remove_unused_columns": False,  # the head's columns are no arguments of the model
        # Samples come tokenised, piece by piece.
        "dataset_kwargs": {"skip_prepare_dataset": True},
    }
    return _sft_config(output_dir=str(output), use_cpu=not on_gpu, **ours, **precision | arguments)


def _sft_config(**arguments: Any) -> SFTConfig:
    try:
        return SFTConfig(save_strategy="no", report_to="none", **arguments)
    except (ImportError, TypeError, ValueError) as error:
        raise InputError(
            f"TRL does not take the recipe's section [training] on this machine: {error}"
        ) from error


def capped_warm_up(recipe: Recipe, samples: int, progress: Progress) -> float:
    """Return the warm-up steps of a run over so many samples; tell where they are capped."""
    wanted: float = recipe.training["warmup_steps"]
    epochs: float = recipe.training["num_train_epochs"]
    asked: int = recipe.training.get("max_steps", 0)
    steps = asked if asked > 0 else math.ceil(math.ceil(samples / recipe.samples_per_step) * epochs)
    if wanted < steps:
        return wanted
    capped = max(1, round(steps * _WARM_UP_SHARE))
    of = "the recipe asks for" if asked > 0 else f"{samples:,} samples make"
    progress.say(
        f"warning: {of} {steps} steps, the warm-up alone has {wanted:g}: it is "
        f"cut to {capped}. With under {round(wanted * recipe.samples_per_step):,} samples, set "
        "training.warmup_steps in a recipe"
    )
    return capped
