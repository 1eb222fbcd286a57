"""The recipe: the article's settings are what effectively reaches unsloth and peft."""

from pathlib import Path

import pytest

from core.errors import InputError
from training.adapter.recipe import Recipe

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
SPLIT = {"test_size": 0.1, "seed": 42}


def test_the_base_is_loaded_as_the_article_loads_it() -> None:
    assert Recipe.read().from_pretrained() == FROM_PRETRAINED


def test_the_adapter_is_made_as_the_article_makes_it() -> None:
    assert Recipe.read().get_peft_model() == GET_PEFT_MODEL


def test_the_split_is_the_articles() -> None:
    data = Recipe.read().data

    assert {"test_size": data.test_size, "seed": data.seed} == SPLIT


def test_a_file_goes_over_the_defaults_and_over_earlier_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text("[lora]\nr = 8\n[training]\nlearning_rate = 1e-3\nmax_grad_norm = 0.5\n")
    second.write_text("[lora]\nr = 16\n[data]\ntemplate = 'short'\n")

    recipe = Recipe.read(first, second)

    assert (recipe.lora.r, recipe.lora.lora_alpha, recipe.data.template) == (16, 64, "short")
    assert recipe.training["learning_rate"] == 1e-3
    assert recipe.training["max_grad_norm"] == 0.5
    assert recipe.training["weight_decay"] == 0.01


def test_the_recipes_own_way_is_the_default_and_takes_what_the_fast_path_does_not(
    tmp_path: Path,
) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("[training]\npacking = true\n[lora]\ntarget_modules = ['lm_head']")

    assert Recipe.read().compute.path == "recipe"
    assert Recipe.read(file).training["packing"]


@pytest.mark.parametrize(
    ("written", "read"),
    [("true", "on"), ("false", "off"), ("'on'", "on"), ("'off'", "off"), ("'mixed'", "mixed")],
)
def test_thoughts_are_on_off_or_mixed_and_true_and_false_are_still_read(
    tmp_path: Path, written: str, read: str
) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(f"[data]\nthoughts = {written}")

    assert Recipe.read(file).data.thoughts == read
    assert Recipe.read().data.thoughts == "on"


def test_head_and_names_are_learned_together_by_default() -> None:
    assert (Recipe.read().answer.head, Recipe.read().answer.names) == (1.0, 1.0)


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
        ("[answer]\nhead = 0\nnames = 0", "head and names cannot both be 0"),
        ("[answer]\nhead = -1", "answer.head"),
        ("[answer]\nhead_learning_rate = 0", "answer.head_learning_rate"),
        ("[answer]\nlabel_smoothing = 1", "answer.label_smoothing"),
        ("[data]\nthoughts = 'some'", "data.thoughts"),
        ("[data]\nthoughts = 1", "data.thoughts"),
        ("[data]\nthought_share = 1", "data.thought_share"),
        ("[compute]\npath = 'faster'", "compute.path"),
        ("[compute]\nmemory = 0", "compute.memory"),
        (
            "[compute]\npath = 'fast'\n[training]\npacking = true",
            "training.packing is not computed",
        ),
        ("[compute]\npath = 'fast'\n[lora]\ntarget_modules = ['lm_head']", "not of lm_head"),
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
