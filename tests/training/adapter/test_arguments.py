"""TRL's arguments: the article's settings reach its trainer, and nothing else does."""

from pathlib import Path
from typing import Any

import pytest
import torch
from trl import SFTConfig

from core.errors import InputError
from tests.support.told import Told
from training.adapter.arguments import capped_warm_up, sft_config
from training.adapter.recipe import Compute, Recipe
from training.progress import SILENT

TRAINING_ARGUMENTS = {
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 8,
    "warmup_steps": 100,
    "num_train_epochs": 1,
    "learning_rate": 5e-5,
    "logging_steps": 50,
    "optim": "adamw_8bit",
    "weight_decay": 0.01,
    "lr_scheduler_type": "cosine",
    "seed": 3407,
}
# Arguments that the article gives to SFTTrainer, and what TRL calls them today.
SFT_TRAINER = {"dataset_text_field": "text", "max_length": 896, "dataset_num_proc": 4}
ENOUGH = 10_000


@pytest.mark.parametrize(
    ("name", "value"), [*TRAINING_ARGUMENTS.items(), *SFT_TRAINER.items()], ids=str
)
def test_training_runs_with_the_articles_arguments(tmp_path: Path, name: str, value: Any) -> None:
    arguments = sft_config(Recipe.read(), ENOUGH, tmp_path, torch.device("cpu"), SILENT)

    assert getattr(arguments, name) == value


@pytest.mark.parametrize(("supported", "taken"), [(True, "bf16"), (False, "fp16")])
def test_a_gpu_computes_in_bf16_where_it_can_else_in_fp16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supported: bool, taken: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    passed: dict[str, Any] = {}
    monkeypatch.setattr(
        "training.adapter.arguments.SFTConfig", lambda **values: passed.update(values)
    )

    sft_config(Recipe.read(), ENOUGH, tmp_path, torch.device("cuda"), SILENT)

    assert (passed["bf16"], passed["fp16"]) == (taken == "bf16", taken == "fp16")


def test_all_else_is_as_the_libraries_have_it(tmp_path: Path) -> None:
    """Beyond the article's arguments nothing is set that would change what is learned."""
    ours = sft_config(Recipe.read(), ENOUGH, tmp_path, torch.device("cpu"), SILENT).to_dict()
    bare = SFTConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False).to_dict()

    changed = {name for name in ours if ours[name] != bare.get(name)}
    technical = {
        "gradient_checkpointing",
        "gradient_checkpointing_kwargs",
        "save_strategy",
        "save_total_limit",
        "report_to",
        "disable_tqdm",
        "dataset_kwargs",
        "remove_unused_columns",
        "completion_only_loss",
        "logging_dir",
    }
    assert changed <= TRAINING_ARGUMENTS.keys() | SFT_TRAINER.keys() | technical


@pytest.mark.parametrize(
    ("samples", "warm_up", "told"),
    [(1600, 10, True), (1599, 10, True), (40, 1, True), (1617, 100, False)],
)
def test_a_warm_up_that_would_take_the_whole_run_is_cut_and_told(
    samples: int, warm_up: int, told: bool
) -> None:
    progress = Told()

    assert capped_warm_up(Recipe.read(), samples, progress) == warm_up
    assert bool(progress.lines) == told
    if told:
        assert "under 1,600 samples" in progress.lines[0]


@pytest.mark.parametrize(("max_steps", "warm_up"), [(1000, 100), (50, 5)])
def test_a_run_is_as_long_as_its_recipe_asks(max_steps: int, warm_up: int) -> None:
    recipe = Recipe.read()
    recipe.training["max_steps"] = max_steps

    assert capped_warm_up(recipe, 10_000 if max_steps < 100 else 40, Told()) == warm_up


def test_on_the_fast_path_a_batch_is_a_step_of_as_many_samples(tmp_path: Path) -> None:
    recipe = Recipe.read()
    fast = recipe.model_copy(update={"compute": Compute(path="fast")})

    plain, packed = (
        sft_config(one, ENOUGH, tmp_path, torch.device("cpu"), SILENT) for one in (recipe, fast)
    )

    assert (plain.per_device_train_batch_size, plain.gradient_accumulation_steps) == (2, 8)
    assert (packed.per_device_train_batch_size, packed.gradient_accumulation_steps) == (16, 1)
    assert (plain.gradient_checkpointing, packed.gradient_checkpointing) == (True, False)


def test_a_recipe_may_name_the_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    passed: dict[str, Any] = {}
    monkeypatch.setattr(
        "training.adapter.arguments.SFTConfig", lambda **values: passed.update(values)
    )
    recipe = Recipe.read()
    recipe.training.update(bf16=False, fp16=True)

    sft_config(recipe, ENOUGH, tmp_path, torch.device("cuda"), SILENT)

    assert (passed["bf16"], passed["fp16"]) == (False, True)


def test_what_trl_does_not_take_on_this_machine_is_told(tmp_path: Path) -> None:
    recipe = Recipe.read()
    recipe = recipe.model_copy(update={"training": recipe.training | {"deepspeed": "none.json"}})

    with pytest.raises(InputError, match=r"does not take the recipe's section \[training\]"):
        sft_config(recipe, ENOUGH, tmp_path, torch.device("cpu"), SILENT)
