"""Weighted samples: the gradients are those of plain autograd per sample, however divided."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.support.joint import (
    TICKETS,
    KeepGradients,
    prepared_of,
    still_recipe,
    trainer_of,
    weighted,
)
from tests.support.packed import distance, gradients_of
from tests.support.soft import plain_soft_loss, soft_prepared
from training.adapter.joint_trainer import JointTrainer
from training.adapter.preparation import Preparation
from training.adapter.recipe import Compute, Recipe

CPU = torch.device("cpu")
EXACT = 1e-4
WEIGHTS = (1.0, 0.3, 2.0, 1.0, 0.3, 0.7)


def recipe_of(batch: int, *, path: str = "recipe", whole: bool = False, **losses: float) -> Recipe:
    recipe = still_recipe(batch, **losses)
    recipe.training["completion_only_loss"] = not whole
    recipe.training["logging_steps"] = 1
    return recipe.model_copy(update={"compute": Compute(path=path)})


def run(prepared: Preparation, folder: Path) -> tuple[KeepGradients, list[float]]:
    kept, trainer = KeepGradients(), trainer_of(prepared, folder, CPU)
    trainer.add_callback(kept)
    trainer.train()
    return kept, [told["loss"] for told in trainer.state.log_history if "loss" in told]


def plain_loss(trainer: JointTrainer, prepared: Preparation) -> torch.Tensor:
    """The weighted joint loss, sample by sample, without padding."""
    head, model = trainer.unit_head, trainer.model.get_base_model()
    whole = not trainer.args.completion_only_loss
    tokens, tickets, count = torch.zeros(()), torch.zeros(()), 0
    for sample, one in zip(prepared.known, prepared.tokens(), strict=True):
        out = model(torch.tensor([one.ids]), output_hidden_states=True)
        first = 1 if whole else one.question
        scores, wanted = out.logits[0, first - 1 : -1], torch.tensor(one.ids[first:])
        tokens = tokens + sample.weight * cross_entropy(scores, wanted, reduction="sum")
        count += len(wanted)
        if head is not None:
            state = out.hidden_states[-1][0, one.answer_at]
            logits = (state @ head.weight.T + head.bias)[None]
            tickets = tickets + sample.weight * cross_entropy(logits, torch.tensor([one.row]))
    if head is None:
        return tokens / count
    names = head.losses.names * tokens / count
    return names + head.losses.head * tickets / len(prepared.known)


LOSSES: dict[str, dict[str, Any]] = {
    "both": {"names": 0.5, "head": 2.0},
    "whole text": {"whole": True},
    "whole text on the fast path": {"whole": True, "path": "fast"},
    "names alone": {"head": 0.0},
}


@pytest.mark.parametrize("losses", LOSSES)
def test_loss_and_gradients_are_those_of_plain_autograd(tmp_path: Path, losses: str) -> None:
    # Given one step over all tickets
    prepared = weighted(prepared_of(recipe_of(TICKETS, **LOSSES[losses])), WEIGHTS)
    kept, [loss] = run(prepared, tmp_path)

    # When plain torch computes the same
    trainer = trainer_of(prepared, tmp_path, CPU)
    expected = plain_loss(trainer, prepared)
    expected.backward()

    assert any("lora_A" in name for name in kept.steps[0])
    assert distance(kept.steps[0], gradients_of(trainer.model)) < EXACT
    assert loss == pytest.approx(expected.item(), abs=1e-3)  # the library tells four digits


@pytest.mark.parametrize("path", ["recipe", "fast"])
def test_soft_labels_are_weighted_too(tmp_path: Path, path: str) -> None:
    prepared = weighted(soft_prepared(recipe_of(TICKETS, path=path, brier=0.5)), WEIGHTS)
    kept, _ = run(prepared, tmp_path)

    trainer = trainer_of(prepared, tmp_path, CPU)
    plain_soft_loss(trainer, prepared).backward()

    assert distance(kept.steps[0], gradients_of(trainer.model)) < EXACT


def test_two_times_two_gives_the_gradients_of_four(tmp_path: Path) -> None:
    def steps(batch: int) -> KeepGradients:
        recipe = recipe_of(batch)
        recipe.training["gradient_accumulation_steps"] = 4 // batch
        return run(weighted(soft_prepared(recipe), WEIGHTS), tmp_path)[0]

    whole, divided = steps(4), steps(2)

    assert len(whole.steps) == len(divided.steps) == 5
    for one, other in zip(whole.steps, divided.steps, strict=True):
        assert distance(other, one) < EXACT


def test_weights_of_one_change_not_a_bit(tmp_path: Path) -> None:
    prepared = prepared_of(recipe_of(16))
    trainer = trainer_of(prepared, tmp_path, CPU)
    rows = list(trainer.train_dataset)[:4]
    assert "weight" not in rows[0]

    trainer.validated = rows
    plain = trainer.validation_loss()
    trainer.validated = [row | {"weight": 1.0} for row in rows]

    assert trainer.validation_loss() == pytest.approx(plain, rel=1e-6)
