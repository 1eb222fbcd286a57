"""A run tells each step, and leaves an adapter as peft writes it."""

import json
from pathlib import Path

from classifier.model.adapter_file import CONFIG, WEIGHTS
from tests.support.llm import RECIPE, prompt_units, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.preparation import prepare
from training.adapter.recipe import Recipe
from training.adapter.trainer import fine_tune


def test_a_run_of_two_steps_writes_an_adapter_and_tells_both(tmp_path: Path) -> None:
    short = RECIPE.replace("num_train_epochs = 4", "num_train_epochs = 4\nmax_steps = 2")
    (tmp_path / "recipe.toml").write_text(short)
    recipe = Recipe.read(tmp_path / "recipe.toml")
    told = Told()
    prepared = prepare(themed_samples(8), prompt_units(), STANDIN, recipe, told)
    target = tmp_path / "adapter"

    run = fine_tune(STANDIN, prepared.tokens(), recipe, target, told)

    assert told.steps == [(1, 2), (2, 2)]
    assert (run.steps, run.through) == (2, "peft")
    assert run.loss > 0
    assert sorted(path.name for path in target.iterdir()) == [CONFIG, WEIGHTS]
    assert json.loads((target / CONFIG).read_text())["r"] == 8
