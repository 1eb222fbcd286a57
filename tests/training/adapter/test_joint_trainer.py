"""Adapter and head learn in one run: the gradients are those of plain autograd, however divided."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import TrainerCallback

from tests.support.llm import RECIPE, prompt_units, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.joint_trainer import JointTrainer
from training.adapter.loading import load_with_adapter
from training.adapter.preparation import Preparation, prepare
from training.adapter.recipe import Recipe
from training.adapter.tokens import Tokens
from training.adapter.trainer import make_trainer
from training.progress import SILENT

CPU = torch.device("cpu")
Gradients = dict[str, torch.Tensor]


class KeepGradients(TrainerCallback):
    """Keeps each step's gradients by their weights' names."""

    def __init__(self) -> None:
        self.steps: list[Gradients] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        del args, state, control
        weights = given["model"].named_parameters()
        self.steps.append({n: w.grad.clone() for n, w in weights if w.grad is not None})


def recipe_of(folder: Path, *, batch: int = 16, answer: str = "") -> Recipe:
    """The tests' recipe with 16 tickets a step; nothing is clipped and next to nothing learned."""
    folder.mkdir(exist_ok=True)
    file = folder / "recipe.toml"
    file.write_text(
        RECIPE.replace("per_device_train_batch_size = 16", f"per_device_train_batch_size = {batch}")
        .replace("gradient_accumulation_steps = 1", f"gradient_accumulation_steps = {16 // batch}")
        .replace("num_train_epochs = 4", "num_train_epochs = 1")
        .replace("learning_rate = 4e-3", "learning_rate = 1e-9")
        .replace("[lora]", "[lora]\nlora_dropout = 0.0")
        .replace("[answer]\nhead = 0\n", "")
        + f"max_grad_norm = 1e9\n[answer]\nhead_learning_rate = 2e-9\n{answer}\n"
    )
    return Recipe.read(file)


def prepared_of(recipe: Recipe) -> Preparation:
    """19 tickets are learned: a step of 16 and one of 3, which 2 a forward does not divide."""
    samples = themed_samples(7)[:19]
    return replace(prepare(samples, prompt_units(), STANDIN, recipe, Told()), known=samples)


def trainer_of(prepared: Preparation, folder: Path) -> JointTrainer:
    model = load_with_adapter(STANDIN, prepared.recipe, CPU)
    trainer = make_trainer(model, prepared, folder, CPU, SILENT)
    generator = torch.Generator().manual_seed(5)
    for name, weight in sorted(trainer.model.named_parameters()):
        if "lora_B" in name:  # a fresh adapter's are 0, and A's gradient would be
            weight.data = torch.randn(weight.shape, generator=generator) * 0.02
    trainer.model.train()  # bitsandbytes computes more coarsely else
    return trainer


def gradients(recipe: Recipe, folder: Path) -> list[Gradients]:
    """Each step's gradients of a run."""
    kept = KeepGradients()
    trainer = trainer_of(prepared_of(recipe), folder)
    trainer.add_callback(kept)
    trainer.train()
    return kept.steps


def assert_alike(found: Gradients, expected: Gradients) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = gradient.abs().max().item()
        assert torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-4 * scale + 1e-9), name


@pytest.mark.parametrize("completion_only", ["true", "false"])
def test_two_times_eight_gives_the_gradients_of_sixteen(
    tmp_path: Path, completion_only: str
) -> None:
    def steps(batch: int) -> list[Gradients]:
        recipe = recipe_of(tmp_path / str(batch), batch=batch)
        recipe.training["completion_only_loss"] = completion_only == "true"
        return gradients(recipe, tmp_path)

    whole, divided = steps(16), steps(2)

    assert len(whole) == len(divided) == 2
    for one, other in zip(whole, divided, strict=True):
        assert_alike(other, one)
        assert any("lora_A" in name for name in one)
        assert one["unit_head.weight"].abs().max() > 0


def plain_loss(
    trainer: JointTrainer, some: list[Tokens], names: float, head: float
) -> torch.Tensor:
    """The joint loss ticket by ticket, without padding, in plain torch."""
    model, unit_head = trainer.model, trainer.unit_head
    assert unit_head is not None
    tokens, tickets, count = torch.zeros(()), torch.zeros(()), 0
    for sample in some:
        ids = torch.tensor([sample.ids])
        out = model.get_base_model()(ids, output_hidden_states=True)
        learned = sample.ids[sample.question :]
        scores = out.logits[0, sample.question - 1 : -1]
        tokens = tokens + cross_entropy(scores, torch.tensor(learned), reduction="sum")
        count += len(learned)
        state = out.hidden_states[-1][0, sample.answer_at]
        logits = (state @ unit_head.weight.T + unit_head.bias)[None]
        tickets = tickets + cross_entropy(logits, torch.tensor([sample.row]))
    return names * tokens / count + head * tickets / len(some)


@pytest.mark.parametrize(
    ("answer", "weights"), [("", (1.0, 1.0)), ("head = 2.0\nnames = 0.5", (0.5, 2.0))]
)
def test_the_gradients_are_those_of_plain_autograd(
    tmp_path: Path, answer: str, weights: tuple[float, float]
) -> None:
    # Given one step over all tickets
    recipe = recipe_of(tmp_path, answer=answer)
    recipe.training["per_device_train_batch_size"] = 19
    [found] = gradients(recipe, tmp_path)

    # When plain torch computes the same
    prepared = prepared_of(recipe)
    trainer = trainer_of(prepared, tmp_path)
    plain_loss(trainer, prepared.tokens(), *weights).backward()

    named = trainer.model.named_parameters()
    assert_alike(found, {n: w.grad for n, w in named if w.grad is not None})


def test_checkpointing_changes_no_gradient(tmp_path: Path) -> None:
    plain = recipe_of(tmp_path)
    lora = plain.lora.model_copy(update={"use_gradient_checkpointing": True})

    with_it = gradients(plain.model_copy(update={"lora": lora}), tmp_path)

    for one, other in zip(gradients(plain, tmp_path), with_it, strict=True):
        assert_alike(other, one)


def test_the_head_alone_is_read_without_names_and_teaches_the_adapter_too(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, answer="names = 0")
    trainer = trainer_of(prepared_of(recipe), tmp_path)

    batch = next(iter(trainer.get_train_dataloader()))

    ends = batch["attention_mask"].sum(dim=1) - 1
    assert torch.equal(batch["answer_at"], ends)
    assert (batch["labels"] == -100).all()
    step = gradients(recipe, tmp_path)[0]
    assert all(step[name].abs().max() > 0 for name in step if "lora_A" in name)


def test_without_a_head_the_names_alone_are_learned(tmp_path: Path) -> None:
    trainer = trainer_of(prepared_of(recipe_of(tmp_path, answer="head = 0")), tmp_path)

    batch = next(iter(trainer.get_train_dataloader()))

    assert trainer.unit_head is None
    assert batch.keys() == {"input_ids", "labels", "attention_mask"}


def test_the_head_learns_at_its_own_rate_on_the_adapters_schedule(tmp_path: Path) -> None:
    trainer = trainer_of(prepared_of(recipe_of(tmp_path)), tmp_path)

    trainer.create_optimizer_and_scheduler(num_training_steps=10)

    assert trainer.unit_head is not None
    assert trainer.optimizer is not None
    *others, own = trainer.optimizer.param_groups
    assert list(map(id, own["params"])) == list(map(id, trainer.unit_head.parameters()))
    listed = [id(weight) for group in trainer.optimizer.param_groups for weight in group["params"]]
    trained = [id(weight) for weight in trainer.model.parameters() if weight.requires_grad]
    assert sorted(listed) == sorted(trained)
    assert own["initial_lr"] == 2e-9
    assert all(
        group["lr"] / group["initial_lr"] == own["lr"] / own["initial_lr"] for group in others
    )
