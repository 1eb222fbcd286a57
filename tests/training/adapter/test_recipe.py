"""The recipe: the article's settings are what effectively reaches unsloth, peft and TRL."""

from pathlib import Path
from typing import Any

import pytest
import torch
from trl import SFTConfig

from core.errors import InputError
from training.adapter.recipe import Recipe
from training.adapter.trainer import capped_warm_up, sft_config

# The article's calls, argument by argument.
FROM_PRETRAINED = {"max_seq_length": 896, "dtype": None, "load_in_4bit": True}
GET_PEFT_MODEL = {
    "r": 64,
    "target_modules": [
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    ],
    "lora_alpha": 64,
    "lora_dropout": 0.05,
    "bias": "none",
    "use_gradient_checkpointing": "unsloth",
    "random_state": 3407,
    "use_rslora": False,
    "loftq_config": None,
}
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
SPLIT = {"test_size": 0.1, "seed": 42}
ENOUGH = 10_000


def quiet(_line: str) -> None:
    pass


def test_the_base_is_loaded_as_the_article_loads_it() -> None:
    assert Recipe.read().from_pretrained() == FROM_PRETRAINED


def test_the_adapter_is_made_as_the_article_makes_it() -> None:
    assert Recipe.read().get_peft_model() == GET_PEFT_MODEL


@pytest.mark.parametrize(
    ("name", "value"), [*TRAINING_ARGUMENTS.items(), *SFT_TRAINER.items()], ids=str
)
def test_training_runs_with_the_articles_arguments(tmp_path: Path, name: str, value: Any) -> None:
    arguments = sft_config(Recipe.read(), ENOUGH, tmp_path, torch.device("cpu"), quiet)

    assert getattr(arguments, name) == value


@pytest.mark.parametrize(("supported", "taken"), [(True, "bf16"), (False, "fp16")])
def test_a_gpu_computes_in_bf16_where_it_can_else_in_fp16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supported: bool, taken: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    passed: dict[str, Any] = {}
    monkeypatch.setattr(
        "training.adapter.trainer.SFTConfig", lambda **values: passed.update(values)
    )

    sft_config(Recipe.read(), ENOUGH, tmp_path, torch.device("cuda"), quiet)

    assert (passed["bf16"], passed["fp16"]) == (taken == "bf16", taken == "fp16")


def test_the_split_is_the_articles() -> None:
    data = Recipe.read().data

    assert {"test_size": data.test_size, "seed": data.seed} == SPLIT


def test_all_else_is_as_the_libraries_have_it(tmp_path: Path) -> None:
    """Beyond the article's arguments nothing is set that would change what is learned."""
    ours = sft_config(Recipe.read(), ENOUGH, tmp_path, torch.device("cpu"), quiet).to_dict()
    bare = SFTConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False).to_dict()

    changed = {name for name in ours if ours[name] != bare.get(name)}
    technical = {
        "gradient_checkpointing",
        "gradient_checkpointing_kwargs",
        "save_strategy",
        "report_to",
        "disable_tqdm",
        "dataset_kwargs",
        "completion_only_loss",
        "logging_dir",
    }
    assert changed <= TRAINING_ARGUMENTS.keys() | SFT_TRAINER.keys() | technical


def test_a_file_goes_over_the_defaults_and_over_earlier_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text("[lora]\nr = 8\n[training]\nlearning_rate = 1e-3\nmax_grad_norm = 0.5\n")
    second.write_text("[lora]\nr = 16\n[data]\ntemplate = 'short'\n")

    recipe = Recipe.read(first, second)

    assert (recipe.lora.r, recipe.lora.lora_alpha, recipe.data.template) == (16, 64, "short")
    assert recipe.training["learning_rate"] == 1e-3
    assert recipe.training["max_grad_norm"] == 0.5
    assert recipe.training["weight_decay"] == 0.01


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[lora]\nrank = 8", "lora.rank"),
        ("[lora]\nr = 0", "lora.r"),
        ("[lora]\nuse_rslora = true", "lora.use_rslora"),
        ("[training]\nlerning_rate = 1", "training.lerning_rate is no argument"),
        ("[training]\noutput_dir = 'x'", "training.output_dir is decided by Paidan"),
        ("[trainig]\nseed = 1", "trainig is no section"),
        ("seed = 1", "seed is no section"),
        ("[lora", "is not TOML"),
    ],
)
def test_a_wrong_recipe_names_file_and_setting(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(text)

    with pytest.raises(InputError, match=r"r\.toml") as refused:
        Recipe.read(file)
    assert told in str(refused.value)


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Recipe.read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("samples", "warm_up", "told"),
    [(1600, 10, True), (1599, 10, True), (40, 1, True), (1617, 100, False)],
)
def test_a_warm_up_that_would_take_the_whole_run_is_cut_and_told(
    samples: int, warm_up: int, told: bool
) -> None:
    lines: list[str] = []

    assert capped_warm_up(Recipe.read(), samples, lines.append) == warm_up
    assert bool(lines) == told
    if told:
        assert "under 1,600 samples" in lines[0]
