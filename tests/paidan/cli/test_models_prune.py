"""``paidan models prune`` says what would go, and removes it when told to."""

import json
from pathlib import Path

from core.settings import load_settings
from db import open_database
from tests.support.cli import Cli
from tests.support.make import add_units, promote_constant


def two_champions() -> tuple[Path, Path]:
    """Promote two versions, one after the other; return their folders."""
    database = open_database(load_settings())
    add_units(database)
    models = load_settings().resolved_models_dir
    first, second = (models / promote_constant(database, models) for _ in range(2))
    database.engine.dispose()
    return first, second


def test_what_would_go_is_told_and_nothing_goes(cli: Cli, home: Path) -> None:
    assert home
    first, second = two_champions()

    told = cli("models", "prune", "--keep", 0).out

    assert f"kept     {second.name}  champion" in told
    assert f"would go {first.name}" in told
    assert "1 versions, 0 snapshots" in told
    assert "paidan models prune --yes" in told
    assert first.is_dir()


def test_with_yes_it_goes_and_is_listed_as_pruned(cli: Cli, home: Path) -> None:
    assert home
    first, second = two_champions()

    ran = json.loads(cli("models", "prune", "--keep", 0, "--yes", "--json").out)

    assert (ran["removed"], ran["versions"]) == (True, [first.name])
    assert not first.exists()
    listed = json.loads(cli("models", "list", "--json").out)
    assert [(v["name"], v["champion"], v["pruned"]) for v in listed] == [
        (first.name, False, True),
        (second.name, True, False),
    ]
    shown = cli("models", "show", first.name)
    assert (shown.code, "was pruned on" in shown.err) == (1, True)
    assert cli("models", "rollback").code == 1


def test_a_rollback_is_kept_by_default(cli: Cli, home: Path) -> None:
    assert home
    first, _ = two_champions()

    assert "0 versions" in cli("models", "prune", "--yes").out
    assert first.is_dir()
