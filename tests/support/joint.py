"""Joint trainings of the stand-in whose gradients are kept and whose weights stay."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.joint_trainer import JointTrainer
from training.adapter.loading import load_with_adapter
from training.adapter.preparation import Preparation, prepare
from training.adapter.recipe import Recipe
from training.adapter.trainer import make_trainer
from training.progress import SILENT

Gradients = dict[str, torch.Tensor]
TICKETS = 19
"""Learned: a step of 16 and one of 3, which 2 a forward does not divide."""
RATE = 1e-9
"""Of the adapter: next to nothing is learned."""


class KeepGradients(TrainerCallback):
    """Keeps each step's gradients by their weights' names."""

    def __init__(self) -> None:
        self.steps: list[Gradients] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        del args, state, control
        weights = given["model"].named_parameters()
        self.steps.append({n: w.grad.float().cpu() for n, w in weights if w.grad is not None})


def still_recipe(batch: int = 16, *, checkpointing: bool | str = False, **losses: float) -> Recipe:
    """16 tickets a step, ``batch`` of them a forward; nothing is dropped or clipped."""
    recipe = recipe_with_head(**{"head_learning_rate": 2 * RATE, **losses})
    changed = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": max(1, 16 // batch),
        "num_train_epochs": 1,
        "learning_rate": RATE,
        "max_grad_norm": 1e9,
    }
    lora = {"lora_dropout": 0.0, "use_gradient_checkpointing": checkpointing}
    return recipe.model_copy(
        update={
            "training": recipe.training | changed,
            "lora": recipe.lora.model_copy(update=lora),
        }
    )


def prepared_of(recipe: Recipe) -> Preparation:
    samples = themed_samples(7)[:TICKETS]
    return replace(prepare(samples, prompt_units(), STANDIN, recipe, Told()), known=samples)


def with_adapter(model: Any) -> Any:
    """Let a model's fresh adapter be one that is not zero."""
    generator = torch.Generator().manual_seed(5)
    for name, weight in sorted(model.named_parameters()):
        if "lora_B" in name:
            weight.data = (torch.randn(weight.shape, generator=generator) * 0.02).to(weight)
    return model.train()  # bitsandbytes computes more coarsely else


def trainer_of(prepared: Preparation, folder: Path, device: torch.device) -> JointTrainer:
    """A trainer whose adapter is not a fresh one: of that, B is 0 and A has no gradient."""
    model = load_with_adapter(STANDIN, prepared.recipe, device)
    trainer = make_trainer(model, prepared, folder, device, SILENT)
    with_adapter(trainer.model)
    return trainer


def weighted(prepared: Preparation, weights: Sequence[float]) -> Preparation:
    """The same samples with these weights, again and again."""
    some = zip(prepared.known, cycle(weights), strict=False)
    return replace(prepared, known=[replace(sample, weight=weight) for sample, weight in some])


def gradients(
    recipe: Recipe, folder: Path, device: torch.device, weights: Sequence[float] = (1.0,)
) -> list[Gradients]:
    """Each step's gradients of a run over weighted samples."""
    kept = KeepGradients()
    trainer = trainer_of(weighted(prepared_of(recipe), weights), folder, device)
    trainer.add_callback(kept)
    trainer.train()
    return kept.steps
