"""The commands about LLMs: train, evaluate, promote, base."""

import json
from pathlib import Path

import pytest

from core.settings import load_settings
from db import corrections, open_database
from tests.support.cli import Cli, Ran, jsonl, write
from tests.support.llm import RECIPE, themed_samples
from tests.support.make import UNITS
from tests.support.models import random_base


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The article's schema; every second row with a thought."""
    rows = [
        {
            "Question": sample.text,
            "Complex_CoT": "市民说的是这件事" if n % 2 else "",
            "Response": UNITS[sample.unit],
        }
        for n, sample in enumerate(themed_samples(12))
    ]
    return jsonl(tmp_path / "data.jsonl", *rows)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write(tmp_path / "recipe.toml", RECIPE)


def train(cli: Cli, data: Path, recipe: Path, *more: object) -> Ran:
    return cli("train", "--data", data, "--kind", "llm", "--recipe", recipe, *more)


def test_an_adapter_is_trained_promoted_evaluated_and_shown(
    cli: Cli, data: Path, recipe: Path
) -> None:
    trained = train(cli, data, recipe, "--promote", "--json")

    assert trained.code == 0, trained.err
    assert "base standin: instruction 4 tokens, max_seq_length 320" in trained.err
    version = json.loads(trained.out)["version"]
    assert version.startswith("llm-")
    evaluated = cli("evaluate", data, "--json")
    assert json.loads(evaluated.out)["n"] == 36
    assert f"* {version}" in cli("models", "list").out
    assert '"through": "peft"' in cli("models", "show", version).out


def test_what_people_decided_is_learned_from_too(cli: Cli, data: Path, recipe: Path) -> None:
    # Given a ticket that a person decided twice
    tickets = write(data.with_name("t.csv"), "external_id,text\n1,屋顶漏雨\n2,没人管\n")
    assert cli("push", tickets).code == 0
    assert cli("train", "--data", data, "--kind", "constant").code == 0  # adds the units
    database = open_database(load_settings())
    for unit in ("甲局", "丙局"):
        with database.writing() as session:
            ticket = corrections.find_ticket(session, "file", "1")
            assert ticket is not None
            corrections.decide(session, ticket, unit, actor="li")
    database.engine.dispose()

    trained = train(cli, data, recipe, "--corrections")

    assert trained.code == 0
    assert "1 tickets that people decided are learned from too" in trained.err
    assert "33 tickets to learn from, 4 held out" in trained.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[lora]\nrank = 8", "recipe.toml: lora.rank"),
        ("[data]\ntemplate = 'none'", "template 'none' cannot be read"),
        ("[load]\nmax_seq_length = 100", "256 are needed"),
    ],
)
def test_a_set_up_that_cannot_work_is_refused_before_training(
    cli: Cli, data: Path, tmp_path: Path, text: str, told: str
) -> None:
    ran = train(cli, data, write(tmp_path / "recipe.toml", text))

    assert ran.code == 1
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_an_answer_that_the_recipe_leaves_out_is_refused_before_training(
    cli: Cli, data: Path, recipe: Path
) -> None:
    ran = train(cli, data, recipe, "--answer", "head")

    assert ran.code == 1
    assert "answering by head is asked for, and the recipe leaves it out" in ran.err
    assert "tickets to learn from" not in ran.err


def test_a_base_goes_with_an_llm_only(cli: Cli, data: Path) -> None:
    ran = cli("train", "--data", data, "--base", "standin")

    assert ran.code == 2
    assert "--base, --recipe and --answer go with --kind llm" in ran.err


def test_an_unknown_base_names_the_command_that_adds_one(cli: Cli, data: Path) -> None:
    ran = cli("train", "--data", data, "--kind", "llm", "--base", "7b")

    assert ran.code == 1
    assert "no base model '7b' is known here (there are: standin)" in ran.err


def test_a_base_is_added_listed_and_trained_on(
    cli: Cli, data: Path, recipe: Path, tmp_path: Path
) -> None:
    source = random_base(tmp_path / "tiny").path

    added = cli("base", "add", source, "--name", "mine")

    assert added.code == 0, added.err
    assert "mine: Qwen2ForCausalLM" in added.out
    assert [base["name"] for base in json.loads(cli("base", "list", "--json").out)] == [
        "standin",
        "mine",
    ]
    assert "base mine:" in train(cli, data, recipe).err
