"""``paidan models``: versions are listed, shown, promoted and rolled back; damaged ones are not."""

import json
from pathlib import Path

import pytest

from core.settings import load_settings
from db import Database, open_database
from tests.support.cli import Cli
from tests.support.make import add_units, promote_constant


def test_a_version_is_trained_listed_shown_promoted_and_rolled_back(cli: Cli, files: Path) -> None:
    first = json.loads(cli("train", "--data", files / "labelled.csv", "--promote", "--json").out)
    second = json.loads(
        cli("train", "--data", files / "labelled.csv", "--kind", "constant", "--json").out
    )

    listed = json.loads(cli("models", "list", "--json").out)
    assert [(v["name"], v["kind"], v["champion"]) for v in listed] == [
        (first["version"], "linear", True),
        (second["version"], "constant", False),
    ]
    manifest = json.loads(cli("models", "show", first["version"]).out)
    assert manifest["name"] == first["version"]
    assert manifest["lineage"]["parent"] is None
    shown = json.loads(cli("models", "show", "candidate").out)
    assert (shown["name"], shown["lineage"]["parent"]) == (second["version"], first["version"])
    assert second["version"] in cli("models", "promote", second["version"]).out
    assert cli("models", "rollback").out == (
        f"champion: {second['version']} -> {first['version']}\n"
    )


@pytest.fixture
def version(home: Path) -> Path:
    database: Database = open_database(load_settings())
    add_units(database)
    models = load_settings().resolved_models_dir
    name = promote_constant(database, models)
    database.engine.dispose()
    return models / name


@pytest.mark.parametrize("command", ["promote", "show"])
def test_an_unknown_version_is_named_with_those_there_are(
    cli: Cli, version: Path, command: str
) -> None:
    ran = cli("models", command, "linear-of-old")

    assert ran.code == 1
    assert "linear-of-old" in ran.err
    assert version.name in ran.err


@pytest.mark.parametrize("damage", ["changed", "missing", "manifest", "gone"])
def test_a_damaged_version_is_not_promoted(cli: Cli, version: Path, damage: str) -> None:
    prior = next(path for path in version.iterdir() if path.name != "manifest.json")
    if damage == "changed":
        prior.write_text(prior.read_text() + " ")
    elif damage == "missing":
        prior.unlink()
    elif damage == "manifest":
        (version / "manifest.json").write_text("{}")
    else:
        version.rename(version.with_name("elsewhere"))

    ran = cli("models", "promote", version.name)

    assert ran.code == 1
    assert str(version) in ran.err
    assert "Traceback" not in ran.err


def test_rolling_back_the_first_champion_is_refused(cli: Cli, version: Path) -> None:
    ran = cli("models", "rollback")

    assert (ran.code, "no earlier champion" in ran.err) == (1, True)
