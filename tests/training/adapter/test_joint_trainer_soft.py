"""Soft labels of head and names: the gradients are those of plain autograd, however divided."""

from pathlib import Path

import pytest
import torch

from tests.support.joint import TICKETS, Gradients, KeepGradients, still_recipe, trainer_of
from tests.support.soft import plain_soft_loss, soft_prepared
from training.adapter.recipe import Recipe

CPU = torch.device("cpu")


def soft_gradients(recipe: Recipe, folder: Path) -> list[Gradients]:
    kept = KeepGradients()
    trainer = trainer_of(soft_prepared(recipe), folder, CPU)
    trainer.add_callback(kept)
    trainer.train()
    return kept.steps


def assert_alike(found: Gradients, expected: Gradients) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = gradient.abs().max().item()
        assert torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-4 * scale + 1e-9), name


@pytest.mark.parametrize(
    "losses",
    [{"names": 0.5, "head": 2.0, "brier": 0.5}, {"head": 0.0}, {"names": 0.0}],
    ids=["both", "names alone", "head alone"],
)
def test_the_gradients_are_those_of_plain_autograd(
    tmp_path: Path, losses: dict[str, float]
) -> None:
    # Given one step over all tickets
    recipe = still_recipe(TICKETS, **losses)
    [found] = soft_gradients(recipe, tmp_path)

    # When plain torch computes the same, name by name
    prepared = soft_prepared(recipe)
    trainer = trainer_of(prepared, tmp_path, CPU)
    plain_soft_loss(trainer, prepared).backward()

    named = trainer.model.named_parameters()
    assert_alike(found, {n: w.grad for n, w in named if w.grad is not None})


def test_two_times_eight_gives_the_gradients_of_sixteen(tmp_path: Path) -> None:
    whole, divided = (soft_gradients(still_recipe(batch), tmp_path) for batch in (16, 2))

    assert len(whole) == len(divided) == 2
    for one, other in zip(whole, divided, strict=True):
        assert_alike(other, one)


def test_samples_that_are_not_soft_are_learned_by_their_labels_beside_a_soft_run(
    tmp_path: Path,
) -> None:
    prepared = soft_prepared(still_recipe())
    trainer = trainer_of(prepared, tmp_path, CPU)
    rows = list(trainer.train_dataset)
    batch = trainer.data_collator(rows[:4])

    hard = trainer.data_collator(
        [{name: row[name] for name in ("input_ids", "labels", "answer_at", "row")} for row in rows]
    )

    assert batch["units"].shape == (4, 3)
    assert batch["soft_places"].shape == (len(batch["soft_weights"]), 3)
    assert set(batch["soft_places"][:, 0].tolist()) == {1, 2, 3}  # the first one is sure
    assert hard.keys() == {"input_ids", "labels", "attention_mask", "answer_at", "row"}
