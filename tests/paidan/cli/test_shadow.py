"""``paidan shadow``: a version enters the shadow, is compared, and leaves it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import load_settings
from db import Database, open_database, shadow
from db.claims import ClaimedTicket
from db.shadow import ShadowResult
from tests.support.cli import Cli
from tests.support.make import add_tickets, add_units, promote_constant
from worker.loop import ClaimLoop
from worker.resident import Resident


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    database = open_database(load_settings())
    add_units(database)
    yield database
    database.engine.dispose()


@pytest.fixture
def challenger(database: Database) -> str:
    models = load_settings().resolved_models_dir
    name = promote_constant(database, models, ("B", "B", "A"))
    promote_constant(database, models)
    return name


def answer(database: Database, challenger: str, units: list[str]) -> None:
    """Both answer as many tickets: the champion A, the challenger these units."""
    settings = load_settings()
    resident = Resident(database, settings.resolved_models_dir)
    ids = add_tickets(database, len(units))
    ClaimLoop(database, resident, settings, lambda ids: None, "w").run(ids, "bulk")
    with database.writing() as session:
        current = shadow.current(session)
        assert current is not None
        taken: list[ClaimedTicket] = shadow.take(session, current, 99)
        results = [
            ShadowResult(one.id, one.round, unit, 0.75, None)
            for one, unit in zip(taken, units, strict=True)
        ]
        shadow.store(session, challenger, results)


def test_a_version_enters_the_shadow_is_compared_and_leaves(
    cli: Cli, database: Database, challenger: str
) -> None:
    assert f"{challenger} answers 100% of the tickets" in (
        cli("shadow", "start", challenger, "--share", "1").out
    )
    answer(database, challenger, ["A", "B"])

    listed = cli("shadow", "list").out.splitlines()
    assert listed == [
        "file t2  champion A  shadow B (0.75)  routed to A",
        f"{challenger}: 2 answered in the shadow, 1 as the champion",
    ]
    found = json.loads(cli("shadow", "list", challenger, "--json").out)
    assert (found["answered"], found["agreed"], len(found["disagreements"])) == (2, 1, 1)
    assert cli("shadow", "stop").out == f"{challenger} left the shadow\n"
    assert cli("shadow", "stop").out == "no version is in the shadow\n"


def test_its_answers_are_in_no_count_and_no_export(
    cli: Cli, database: Database, challenger: str, tmp_path: Path
) -> None:
    cli("shadow", "start", challenger, "--share", "1")
    answer(database, challenger, ["B", "B"])

    assert challenger not in cli("status").out
    cli("export", tmp_path / "all.csv")
    assert challenger not in (tmp_path / "all.csv").read_text("utf-8")


def test_without_a_version_in_the_shadow_one_has_to_be_named(cli: Cli, home: Path) -> None:
    ran = cli("shadow", "list")

    assert ran.code == 2
    assert "no version is in the shadow" in ran.err


def test_an_unknown_version_or_share_is_refused(
    cli: Cli, database: Database, challenger: str
) -> None:
    assert cli("shadow", "start", "linear-of-old").code == 1
    assert cli("shadow", "start", challenger, "--share", "0").code == 2


def test_an_alias_stands_for_a_version(cli: Cli, database: Database, challenger: str) -> None:
    newer = promote_constant(database, load_settings().resolved_models_dir, ("C", "C", "A"))
    cli("models", "rollback")

    assert f"{newer} answers 10% of the tickets" not in cli("shadow", "start", "champion").out
    assert "there is no candidate" in cli("shadow", "start", "candidate").err
