"""Soft labels on the fast path are learned as on the recipe's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.packed import CPU
from training.adapter.joint_trainer import JointTrainer
from training.adapter.loading import load_with_adapter
from training.adapter.preparation import prepare
from training.adapter.recipe import Compute
from training.adapter.trainer import make_trainer
from training.progress import SILENT

STEPS = 5


def soft_trainer(path: str, folder: Path, head: float) -> JointTrainer:
    recipe = recipe_with_head(brier=0.5, head=head)
    training = recipe.training | {"max_steps": STEPS, "logging_steps": 1}
    lora = recipe.lora.model_copy(update={"lora_dropout": 0.0})
    recipe = recipe.model_copy(
        update={"compute": Compute(path=path), "lora": lora, "training": training}
    )
    prepared = prepare(themed_samples(20), prompt_units(), STANDIN, recipe, SILENT)
    soft = np.random.default_rng(4).dirichlet(np.ones(3), len(prepared.known))
    prepared = replace(prepared, soft=soft)
    return make_trainer(load_with_adapter(STANDIN, recipe, CPU), prepared, folder, CPU, SILENT)


@pytest.mark.parametrize("head", [1.0, 0.0], ids=["head and names", "names alone"])
def test_losses_and_gradients_are_the_recipes(tmp_path: Path, head: float) -> None:
    recipes, fast = (soft_trainer(path, tmp_path, head) for path in ("recipe", "fast"))

    for trainer in (recipes, fast):
        trainer.train()

    for name, allowed in (("loss", 1e-3), ("grad_norm", 1e-2)):
        expected, found = (
            [told[name] for told in one.state.log_history if name in told]
            for one in (recipes, fast)
        )
        assert len(expected) == STEPS
        assert found == pytest.approx(expected, rel=allowed), name
