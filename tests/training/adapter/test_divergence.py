"""Divergence: a training whose weights or answers are no numbers ends, and says what to set."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import InputError
from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter import trainer
from training.adapter.divergence import check_scores, check_weights
from training.adapter.recipe import Compute
from training.adapter.version import train_llm


def test_weights_that_are_learned_have_to_be_finite() -> None:
    model = torch.nn.Linear(2, 2)
    check_weights(model, 1)

    for value in (float("nan"), float("inf")):
        with torch.no_grad():
            model.bias[1] = value
        with pytest.raises(InputError, match=r"at step 1,200 its weights.*learning_rate"):
            check_weights(model, 1200)

    model.bias.requires_grad_(False)  # of the base: no business of a training's
    check_weights(model, 1)


def test_scores_have_to_be_numbers() -> None:
    check_scores(np.array([[1.0, -np.inf]]))

    with pytest.raises(InputError, match="the training diverged"):
        check_scores(np.array([[1.0, np.nan]]))


@pytest.mark.parametrize("path", ["recipe", "fast"])
@pytest.mark.parametrize("logged", [1, 50])
def test_a_training_that_diverges_ends_without_a_version(
    tmp_path: Path, path: str, logged: int
) -> None:
    # Given a learning rate of a million, and loss that is logged at each step or never
    recipe = recipe_with_head()
    changed = {"learning_rate": 1e6, "max_steps": 4, "logging_steps": logged, "warmup_steps": 0}
    update = {"training": recipe.training | changed, "compute": Compute(path=path)}  # type: ignore[arg-type]
    told = Told()

    with pytest.raises(InputError, match=r"the training diverged: at step \d its weights"):
        train_llm(
            themed_samples(24),
            prompt_units(),
            STANDIN,
            models_dir=tmp_path,
            progress=told,
            recipe=recipe.model_copy(update=update),
        )

    assert list(tmp_path.iterdir()) == []
    assert len(told.steps) < 4 or logged == 50


def test_weights_that_are_too_large_to_answer_with_make_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enlarge(model: torch.nn.Module, step: int) -> None:
        del step
        for one in model.parameters():
            one.data *= 1e25 if one.requires_grad else 1

    monkeypatch.setattr(trainer, "check_weights", enlarge)
    recipe = recipe_with_head()
    recipe = recipe.model_copy(update={"training": recipe.training | {"max_steps": 3}})

    with pytest.raises(InputError, match="scores held-out tickets by no numbers"):
        train_llm(
            themed_samples(24),
            prompt_units(),
            STANDIN,
            models_dir=tmp_path,
            progress=Told(),
            recipe=recipe,
        )

    assert list(tmp_path.iterdir()) == []
