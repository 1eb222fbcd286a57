"""What a run's curves are made of: measured while it trains, and told as points."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import time
from collections.abc import Callable

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from db.run_points import Point
from training.adapter.divergence import check_weights
from training.progress import Progress


class StepCallback(TrainerCallback):
    """Passes on each step, and a point for each loss that the trainer logs.

    Args:
        progress: is told.
        samples_per_step: of the recipe.

    Attributes:
        validation: measures the loss on held-out tickets, where somebody looks at it.
    """

    def __init__(self, progress: Progress, samples_per_step: int) -> None:
        self._progress = progress
        self._samples_per_step = samples_per_step
        self.validation: Callable[[], float | None] = lambda: None
        self._loss: float | None = None
        self._began = self._told_at = time.monotonic()
        self._told_step = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Begin to measure: a resumed training does not begin at step 0."""
        del args, control
        self._began = self._told_at = time.monotonic()
        self._told_step = state.global_step

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        model: torch.nn.Module | None = None,
        **_: object,
    ) -> None:
        """Remember the loss, and tell a point; end a training that has diverged."""
        del args, control
        if logs is None or "loss" not in logs:
            return
        if model is not None:
            check_weights(model, state.global_step)
        self._loss = logs["loss"]
        now = time.monotonic()
        samples = (state.global_step - self._told_step) * self._samples_per_step
        point = Point(
            state.global_step,
            now - self._began,
            loss=self._loss,
            learning_rate=logs.get("learning_rate"),
            grad_norm=_as_float(logs.get("grad_norm")),
            gpu_memory=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
            tickets_per_s=samples / max(now - self._told_at, 1e-9),
            validation=self.validation(),
        )
        self._progress.measured(point)
        self._told_at, self._told_step = time.monotonic(), state.global_step

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Tell of the step."""
        del args, control
        self._progress.step(state.global_step, state.max_steps, self._loss)


def _as_float(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]
