"""Adapter and head learn in one run: the gradients are those of plain autograd, however divided."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.support.joint import (
    RATE,
    TICKETS,
    Gradients,
    gradients,
    prepared_of,
    still_recipe,
    trainer_of,
)
from training.adapter.joint_trainer import JointTrainer
from training.adapter.tokens import Tokens

CPU = torch.device("cpu")


def assert_alike(found: Gradients, expected: Gradients) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = gradient.abs().max().item()
        assert torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-4 * scale + 1e-9), name


@pytest.mark.parametrize("completion_only", [True, False])
def test_two_times_eight_gives_the_gradients_of_sixteen(
    tmp_path: Path, completion_only: bool
) -> None:
    def steps(batch: int) -> list[Gradients]:
        recipe = still_recipe(batch)
        recipe.training["completion_only_loss"] = completion_only
        return gradients(recipe, tmp_path, CPU)

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


@pytest.mark.parametrize(("names", "head"), [(1.0, 1.0), (0.5, 2.0)])
def test_the_gradients_are_those_of_plain_autograd(
    tmp_path: Path, names: float, head: float
) -> None:
    # Given one step over all tickets
    recipe = still_recipe(TICKETS, names=names, head=head)
    [found] = gradients(recipe, tmp_path, CPU)

    # When plain torch computes the same
    prepared = prepared_of(recipe)
    trainer = trainer_of(prepared, tmp_path, CPU)
    plain_loss(trainer, prepared.tokens(), names, head).backward()

    named = trainer.model.named_parameters()
    assert_alike(found, {n: w.grad for n, w in named if w.grad is not None})


def test_checkpointing_changes_no_gradient(tmp_path: Path) -> None:
    plain, recomputed = (
        gradients(still_recipe(checkpointing=on), tmp_path, CPU) for on in (False, True)
    )

    for one, other in zip(plain, recomputed, strict=True):
        assert_alike(other, one)


def test_the_head_alone_is_read_without_names_and_teaches_the_adapter_too(tmp_path: Path) -> None:
    recipe = still_recipe(names=0)

    batch = next(iter(trainer_of(prepared_of(recipe), tmp_path, CPU).get_train_dataloader()))
    step = gradients(recipe, tmp_path, CPU)[0]

    assert torch.equal(batch["answer_at"], batch["attention_mask"].sum(dim=1) - 1)
    # One token a sample, for unsloth, which refuses a sample without any; its loss has no weight
    assert (batch["labels"] != -100).sum(dim=1).tolist() == [1] * len(batch["labels"])
    assert all(step[name].abs().max() > 0 for name in step if "lora_A" in name)


def test_without_a_head_the_names_alone_are_learned(tmp_path: Path) -> None:
    trainer = trainer_of(prepared_of(still_recipe(head=0)), tmp_path, CPU)

    batch = next(iter(trainer.get_train_dataloader()))

    assert trainer.unit_head is None
    assert batch.keys() == {"input_ids", "labels", "attention_mask"}


def test_the_head_learns_at_its_own_rate_on_the_adapters_schedule(tmp_path: Path) -> None:
    trainer = trainer_of(prepared_of(still_recipe()), tmp_path, CPU)

    trainer.create_optimizer_and_scheduler(num_training_steps=10)

    assert trainer.unit_head is not None
    assert trainer.optimizer is not None
    *others, own = trainer.optimizer.param_groups
    assert list(map(id, own["params"])) == list(map(id, trainer.unit_head.parameters()))
    listed = [id(weight) for group in trainer.optimizer.param_groups for weight in group["params"]]
    trained = [id(weight) for weight in trainer.model.parameters() if weight.requires_grad]
    assert sorted(listed) == sorted(trained)
    assert own["initial_lr"] == 2 * RATE
    assert all(
        group["lr"] / group["initial_lr"] == own["lr"] / own["initial_lr"] for group in others
    )
