"""A run tells each step, and leaves an adapter as peft writes it."""

import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from classifier.labels.head import HEAD, Head
from classifier.model.adapter_file import CONFIG, WEIGHTS
from tests.support.llm import RECIPE, prompt_units, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.preparation import Preparation, prepare
from training.adapter.recipe import Recipe
from training.adapter.trainer import fine_tune


def right_by_head(prepared: Preparation, target: Path, head: Head) -> float:
    """The share of held-out tickets that plain transformers answers right by the head."""
    base = AutoModelForCausalLM.from_pretrained(STANDIN.path, dtype=torch.float32)
    decoder = PeftModel.from_pretrained(base, str(target)).get_base_model().model
    right = []
    for sample in prepared.held_out:
        [ticket] = prepared.prompt.tickets([sample.text])
        ids = torch.tensor([[*prepared.prompt.prefix, *ticket, *prepared.prompt.suffix]])
        with torch.no_grad():
            logits = head.logits(decoder(ids).last_hidden_state[:, -1])
        right.append(head.codes[int(logits.argmax())] == sample.unit)
    return sum(right) / len(right)


def test_a_run_of_two_steps_writes_an_adapter_and_tells_both(tmp_path: Path) -> None:
    short = RECIPE.replace("num_train_epochs = 4", "num_train_epochs = 4\nmax_steps = 2")
    (tmp_path / "recipe.toml").write_text(short)
    recipe = Recipe.read(tmp_path / "recipe.toml")
    told = Told()
    prepared = prepare(themed_samples(8), prompt_units(), STANDIN, recipe, told)
    target = tmp_path / "adapter"

    run = fine_tune(prepared, target, told)

    assert told.steps == [(1, 2), (2, 2)]
    assert (run.steps, run.through) == (2, "peft")
    assert run.loss > 0
    assert sorted(path.name for path in target.iterdir()) == [CONFIG, WEIGHTS]
    assert json.loads((target / CONFIG).read_text())["r"] == 8


def test_a_head_is_learned_into_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(
        RECIPE.replace("head = 0", "head_learning_rate = 4e-3\nnames = 0.5")
    )
    recipe = Recipe.read(tmp_path / "recipe.toml")
    prepared = prepare(themed_samples(), prompt_units(), STANDIN, recipe, Told())
    target = tmp_path / "adapter"

    fine_tune(prepared, target, Told())

    head = Head.parse(target / HEAD, (target / HEAD).read_bytes(), ["A", "B", "C"], 256)
    assert head.codes == ("A", "B", "C")
    assert b"unit_head" not in (target / WEIGHTS).read_bytes()
    assert right_by_head(prepared, target, head) == 1
