"""A run on the fast path learns what the recipe's does, step by step."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from classifier.labels.head import HEAD, Head
from classifier.model.adapter_file import CONFIG, WEIGHTS
from core.errors import DeviceError
from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.packed import CPU
from tests.support.told import Told
from training.adapter.fast.memory import Costs
from training.adapter.fast.trainer import FastTrainer
from training.adapter.joint_trainer import JointTrainer
from training.adapter.loading import load_with_adapter
from training.adapter.preparation import Preparation, prepare
from training.adapter.recipe import Compute, Recipe
from training.adapter.trainer import fine_tune, make_trainer
from training.progress import SILENT

STEPS = 10


def recipe_of(
    path: str, losses: dict[str, float] | None = None, *, dropout: float = 0.0, **training: Any
) -> Recipe:
    """The article's batch of 2 x 8, for a few steps that learn a lot."""
    recipe = recipe_with_head(**(losses or {"brier": 0.5, "label_smoothing": 0.1}))
    changed = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 8}
    changed |= {"max_steps": STEPS, "logging_steps": 1, **training}
    return recipe.model_copy(
        update={
            "compute": Compute(path=path),
            "lora": recipe.lora.model_copy(update={"lora_dropout": dropout}),
            "training": recipe.training | changed,
        }
    )


def prepared_of(recipe: Recipe) -> Preparation:
    return prepare(themed_samples(30), prompt_units(), STANDIN, recipe, Told())


def trainer_of(recipe: Recipe, folder: Path) -> JointTrainer:
    model = load_with_adapter(STANDIN, recipe, CPU)
    return make_trainer(model, prepared_of(recipe), folder, CPU, SILENT)


def curve(trainer: JointTrainer, name: str) -> list[float]:
    return [told[name] for told in trainer.state.log_history if name in told]


@pytest.mark.parametrize("completion_only", [True, False])
def test_ten_steps_have_the_losses_gradients_and_rates_of_the_recipes(
    tmp_path: Path, completion_only: bool
) -> None:
    recipes, fast = (
        trainer_of(recipe_of(path, completion_only_loss=completion_only), tmp_path)
        for path in ("recipe", "fast")
    )

    for trainer in (recipes, fast):
        trainer.train()

    for name, allowed in (("loss", 1e-3), ("grad_norm", 1e-2), ("learning_rate", 1e-6)):
        expected = curve(recipes, name)
        assert len(expected) == STEPS
        assert curve(fast, name) == pytest.approx(expected, rel=allowed), name
    assert curve(fast, "loss")[-1] < curve(fast, "loss")[0] / 2


@pytest.mark.parametrize("losses", [{"head": 0.0}, {"names": 0.0}, {"names": 0.3, "head": 2.0}])
def test_names_alone_the_head_alone_and_other_weights_are_learned_as_the_recipe_does(
    tmp_path: Path, losses: dict[str, float]
) -> None:
    recipes, fast = (
        trainer_of(recipe_of(path, losses, max_steps=3), tmp_path) for path in ("recipe", "fast")
    )

    for trainer in (recipes, fast):
        trainer.train()

    assert curve(fast, "loss") == pytest.approx(curve(recipes, "loss"), rel=1e-3)
    assert curve(fast, "grad_norm") == pytest.approx(curve(recipes, "grad_norm"), rel=1e-2)


def test_micro_batches_and_recomputed_layers_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, divided = (trainer_of(recipe_of("fast", max_steps=3), tmp_path) for _ in range(2))
    assert isinstance(divided, FastTrainer)
    costs = Costs.of(divided.model.config, 8, 4)
    monkeypatch.setattr(divided, "_room", costs.bytes(256, 1), raising=False)
    seen: list[int] = []
    decoder = divided.decoder
    hidden = decoder.hidden
    monkeypatch.setattr(decoder, "hidden", lambda *given: seen.append(given[1]) or hidden(*given))

    for trainer in (whole, divided):
        trainer.train()

    assert len(seen) > 3
    assert curve(divided, "loss") == pytest.approx(curve(whole, "loss"), rel=1e-4)


def test_dropout_is_drawn_anew_in_training_and_left_out_where_a_loss_is_only_told(
    tmp_path: Path,
) -> None:
    trainer = trainer_of(recipe_of("fast", dropout=0.3), tmp_path)
    for name, weight in trainer.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    batch = next(iter(trainer.get_train_dataloader()))

    def told() -> float:
        with torch.no_grad():
            return float(trainer.compute_loss(trainer.model, batch))

    trainer.model.train()
    torch.manual_seed(1)
    first, second = told(), told()
    torch.manual_seed(1)
    again = told()
    trainer.model.eval()

    assert first != second
    assert first == again
    assert told() == told()


def test_what_it_leaves_is_what_the_recipe_leaves(tmp_path: Path) -> None:
    recipe = recipe_of("fast", max_steps=2, completion_only_loss=True)
    told, target = Told(), tmp_path / "adapter"

    run = fine_tune(prepared_of(recipe), target, told)

    assert told.steps == [(1, 2), (2, 2)]
    assert (run.steps, run.through) == (2, "fast")
    assert sorted(path.name for path in target.iterdir()) == [CONFIG, WEIGHTS, HEAD]
    assert json.loads((target / CONFIG).read_text())["r"] == 8
    head = Head.parse(target / HEAD, (target / HEAD).read_bytes(), ["A", "B", "C"], 256)
    assert head.codes == ("A", "B", "C")


def test_a_gpu_without_a_compiler_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(recipe_of("fast"), tmp_path)
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    monkeypatch.setattr(type(trainer.model.get_base_model()), "device", torch.device("cuda"))

    with pytest.raises(DeviceError, match=r"TORCHDYNAMO_DISABLE is set: set \[compute\] path"):
        trainer.train()
