"""``paidan base``: bases are added, listed and built."""

import json
from pathlib import Path

from paidan.sample.generator import generate
from tests.support.cli import Cli, write
from tests.support.models import STANDIN


def test_a_base_that_is_not_there_is_refused(cli: Cli) -> None:
    ran = cli("base", "add", "/no/such/model")

    assert ran.code == 1
    assert "is no directory, no .gguf file, and no id of the Hugging Face hub" in ran.err


def test_a_stand_in_of_too_few_tickets_is_refused(cli: Cli, tmp_path: Path) -> None:
    data = write(tmp_path / "t.csv", "text\n路灯坏了\n")

    ran = cli("base", "build", tmp_path / "base", "--data", data)

    assert ran.code == 1
    assert "1 tickets are too few" in ran.err


def test_a_stand_in_built_from_own_tickets_can_be_added_with_its_recipe(
    cli: Cli, tmp_path: Path
) -> None:
    rows = [f"{ticket.title},{ticket.text}" for ticket in generate(100)]
    data = write(tmp_path / "t.csv", "\n".join(["title,text", *rows]) + "\n")

    built = cli("base", "build", tmp_path / "mine", "--data", data, "--passes", "2")
    added = cli("base", "add", tmp_path / "mine")

    assert (built.code, added.code) == (0, 0), built.err + added.err
    assert (tmp_path / "mine" / "recipe.toml").read_bytes() == (
        STANDIN.path / "recipe.toml"
    ).read_bytes()
    assert json.loads((tmp_path / "mine" / "build.json").read_text())["settings"]["passes"] == 2
