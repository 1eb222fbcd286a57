"""Runs TRL's SFTTrainer over a 4-bit base: unsloth's FastLanguageModel on CUDA, peft elsewhere."""

from training.adapter import unsloth_first  # isort: split

import math
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from torch.nn.functional import cross_entropy
from transformers import (
    AutoModelForCausalLM,
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl import SFTConfig, SFTTrainer

from classifier.model.backbone import check_loaded
from classifier.model.bases.base import Base
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.device import compute_dtype, pick_device
from classifier.model.quantization import quantization
from training.adapter.recipe import Recipe

IGNORED = -100
"""The label of a token from which nothing is learned."""

_WARM_UP_SHARE = 0.1


class Progress(Protocol):
    """Is told how a run goes."""

    def say(self, line: str) -> None: ...  # noqa: D102

    def step(self, step: int, steps: int, loss: float | None) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Tokens:
    """A training sample: its tokens, and how many of them are the question."""

    ids: list[int]
    question: int


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
    load = _load_unsloth if unsloth_first.AVAILABLE else _load_peft
    model = load(base, recipe, device)
    tokenizer = load_tokenizer(base)
    with tempfile.TemporaryDirectory(prefix="paidan-train-") as output:
        arguments = sft_config(recipe, len(samples), Path(output), device, progress.say)
        # TRL's own loss is a Triton kernel.
        trainer_class = SFTTrainer if device.type == "cuda" else _CpuTrainer
        trainer = trainer_class(
            model=model,
            args=arguments,
            processing_class=tokenizer,
            train_dataset=as_dataset(samples, completion_only=bool(arguments.completion_only_loss)),
            callbacks=[_Telling(progress)],
        )
        _quiet(trainer)
        if device.type == "cpu":  # TRL makes a 4-bit model's adapter bfloat16, slow and coarse here
            for weight in trainer.model.parameters():
                if weight.requires_grad:
                    weight.data = weight.data.float()
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


def sft_config(
    recipe: Recipe, samples: int, output: Path, device: torch.device, say: Callable[[str], None]
) -> SFTConfig:
    """Return TRL's arguments for a run over so many samples.

    The warm-up is capped at a tenth of a run that it would take up; ``say`` is told.
    """
    arguments = recipe.training_arguments()
    arguments["warmup_steps"] = capped_warm_up(recipe, samples, say)
    on_gpu = device.type == "cuda"
    bf16 = on_gpu and torch.cuda.is_bf16_supported()
    return SFTConfig(
        output_dir=str(output),
        bf16=bf16,
        fp16=on_gpu and not bf16,
        use_cpu=not on_gpu,
        gradient_checkpointing=not unsloth_first.AVAILABLE
        and bool(recipe.lora.use_gradient_checkpointing),
        gradient_checkpointing_kwargs={"use_reentrant": False},
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataset_kwargs={"skip_prepare_dataset": True},  # samples come tokenised, piece by piece
        **arguments,
    )


def capped_warm_up(recipe: Recipe, samples: int, say: Callable[[str], None]) -> float:
    """Return the warm-up steps of a run over so many samples; tell where they are capped."""
    wanted: float = recipe.training["warmup_steps"]
    epochs: float = recipe.training["num_train_epochs"]
    steps = math.ceil(math.ceil(samples / recipe.samples_per_step) * epochs)
    if wanted < steps:
        return wanted
    capped = max(1, round(steps * _WARM_UP_SHARE))
    say(
        f"warning: {samples:,} samples make {steps} steps, the warm-up alone has {wanted:g}: it is "
        f"cut to {capped}. With under {round(wanted * recipe.samples_per_step):,} samples, set "
        "training.warmup_steps in a recipe"
    )
    return capped


def as_dataset(samples: Sequence[Tokens], *, completion_only: bool) -> Dataset:
    """Return the samples with their labels; the end token is learned, whatever the padding is."""
    return Dataset.from_dict(
        {
            "input_ids": [sample.ids for sample in samples],
            "labels": [
                [IGNORED] * sample.question + sample.ids[sample.question :]
                if completion_only
                else sample.ids
                for sample in samples
            ],
        }
    )


def _load_peft(base: Base, recipe: Recipe, device: torch.device) -> Any:
    """The base in 4 bits with an adapter, through transformers, bitsandbytes and peft."""
    dtype = compute_dtype(device)
    loaded: PreTrainedModel
    loaded, told = AutoModelForCausalLM.from_pretrained(
        str(base.path),
        local_files_only=True,
        use_safetensors=True,
        dtype=dtype,
        device_map={"": device},
        **quantization(base, dtype),
        output_loading_info=True,
    )
    check_loaded(base, told)
    wanted = recipe.get_peft_model()
    checkpointing = bool(wanted.pop("use_gradient_checkpointing"))
    torch.manual_seed(wanted.pop("random_state"))
    if wanted["loftq_config"] is None:
        wanted.pop("loftq_config")
    prepared = prepare_model_for_kbit_training(loaded, use_gradient_checkpointing=checkpointing)
    return get_peft_model(prepared, LoraConfig(task_type="CAUSAL_LM", **wanted))


def _load_unsloth(base: Base, recipe: Recipe, device: torch.device) -> Any:
    """The base in 4 bits with an adapter, through unsloth."""
    from unsloth import FastLanguageModel

    del device  # unsloth takes the GPU that this process sees
    model, _ = FastLanguageModel.from_pretrained(str(base.path), **recipe.from_pretrained())
    FastLanguageModel.for_training(model)
    return FastLanguageModel.get_peft_model(model, **recipe.get_peft_model())


def _quiet(trainer: SFTTrainer) -> None:
    """Take away the callback that prints logs as dictionaries: progress has its own form."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)


class _CpuTrainer(SFTTrainer):
    """SFTTrainer with the same loss in plain torch."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Return the mean negative log-likelihood of the tokens that are learned.

        The head is computed for these alone: of a ticket whose answer alone is learned, a few.
        """
        del return_outputs  # of the model, which evaluation within a run would ask for
        inner = model.get_base_model()
        read = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        hidden = inner.model(**read, use_cache=False).last_hidden_state[:, :-1]
        targets = inputs["labels"][:, 1:]
        learned = targets != IGNORED
        logits = inner.lm_head(hidden[learned]).float()
        summed = cross_entropy(logits, targets[learned], reduction="sum")
        return summed / (learned.sum() if num_items_in_batch is None else num_items_in_batch)


class _Telling(TrainerCallback):
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
