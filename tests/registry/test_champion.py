"""The champion moves only to a version that can be opened, and back through those before it."""

from pathlib import Path

import pytest
from sqlalchemy import select

from classifier.manifest import WEAK
from core.errors import ModelVersionError
from db import Database, runs, taxonomy, versions
from db.models import Event
from db.run_tables import Run
from db.versions import Moved
from registry import champion
from tests.support.make import UNITS, add_units
from tests.support.versions import register_constant


@pytest.fixture
def names(database: Database, tmp_path: Path) -> list[str]:
    """Three registered versions in the folder ``tmp_path``."""
    add_units(database)
    return [register_constant(database, tmp_path, answers) for answers in ("AAB", "BBA", "CCA")]


def promote(database: Database, models_dir: Path, *names: str) -> list[Moved]:
    return [champion.promote(database, name, models_dir, actor="li") for name in names]


def rollback(database: Database, models_dir: Path) -> Moved:
    return champion.rollback(database, models_dir, actor="li")


def champion_of(database: Database) -> str | None:
    with database.reading() as session:
        return versions.champion(session)


def damage(models_dir: Path, name: str) -> None:
    (models_dir / name / "prior.json").write_text("{}")


def test_a_promoted_version_answers_and_is_told_with_the_one_before(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    first, second, _ = names

    assert promote(database, tmp_path, first, second) == [Moved(None, first), Moved(first, second)]
    assert champion_of(database) == second


def test_a_weak_version_is_promoted_by_force_alone(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    first, second, _ = names
    promote(database, tmp_path, first)
    with database.writing() as session:
        versions.get_version(session, second).metrics = {WEAK: "it answers 1.0% right"}

    with pytest.raises(ModelVersionError, match=r"it answers 1\.0% right.*--force"):
        promote(database, tmp_path, second)
    assert champion_of(database) == first

    champion.promote(database, second, tmp_path, actor="li", force=True)
    assert champion_of(database) == second


def test_what_cannot_be_opened_is_not_promoted(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    first, second, _ = names
    promote(database, tmp_path, first)
    damage(tmp_path, second)

    for name, told in ((second, "was changed"), ("other", "no model version 'other'")):
        with pytest.raises(ModelVersionError, match=told):
            promote(database, tmp_path, name)

    assert champion_of(database) == first


def test_a_version_is_promoted_while_one_of_its_units_is_left(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    def retire(code: str) -> None:
        with database.writing() as session:
            gone = taxonomy.UnitRecord(code, UNITS[code], status="retired")
            taxonomy.import_units(session, [gone], actor="test")

    retire("A")
    promote(database, tmp_path, names[0])
    retire("B")

    with pytest.raises(ModelVersionError, match="none of them is active"):
        promote(database, tmp_path, names[1])
    assert champion_of(database) == names[0]


def test_rollbacks_go_back_one_by_one_until_nothing_is_before(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    first, second, third = names
    promote(database, tmp_path, *names)

    moves = [rollback(database, tmp_path), rollback(database, tmp_path)]

    assert moves == [Moved(third, second), Moved(second, first)]
    with pytest.raises(ModelVersionError, match="no earlier champion"):
        rollback(database, tmp_path)
    assert champion_of(database) == first


def test_a_rollback_to_a_damaged_version_is_refused(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    first, second, _ = names
    promote(database, tmp_path, first, second)
    damage(tmp_path, first)

    with pytest.raises(ModelVersionError, match="was changed"):
        rollback(database, tmp_path)

    assert champion_of(database) == second


def test_a_champion_that_moves_while_a_rollback_checks_is_not_rolled_back(
    database: Database, tmp_path: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = names
    promote(database, tmp_path, first, second)

    def check(*given: object) -> None:
        # Somebody promotes the third version meanwhile: before it stands one that was not checked.
        with database.writing() as session:
            versions.promote(session, third, actor="zhang")

    monkeypatch.setattr(champion, "check_version", check)

    with pytest.raises(ModelVersionError, match="the champion was moved meanwhile"):
        rollback(database, tmp_path)

    assert champion_of(database) == third


def test_a_version_that_the_gate_refused_is_promoted_by_force_alone(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    findings = [{"check": "frozen", "passed": True}, {"check": "recent", "passed": False}]
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="li")
        run = session.get_one(Run, run_id)
        run.state, run.version, run.verdict = "refused", names[0], {"findings": findings}

    with pytest.raises(ModelVersionError, match=rf"it \(recent; 'paidan runs show {run_id}'"):
        promote(database, tmp_path, names[0])
    assert champion_of(database) is None

    champion.promote(database, names[0], tmp_path, actor="li", force=True)

    assert champion_of(database) == names[0]
    with database.reading() as session:
        [data] = session.scalars(select(Event.data).where(Event.kind == "model.promoted"))
    assert "the gate refused it (recent" in data["forced"]


def test_a_promotion_by_force_is_in_the_audit_with_what_spoke_against_it(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    first, second, third = names
    with database.writing() as session:
        versions.get_version(session, second).metrics = {WEAK: "it answers 1.0% right"}

    champion.promote(database, first, tmp_path, actor="li")
    champion.promote(database, second, tmp_path, actor="li", force=True)
    champion.promote(database, third, tmp_path, actor="zhang", force=True)

    with database.reading() as session:
        promoted = select(Event.data).where(Event.kind == "model.promoted").order_by(Event.id)
        found = [data.get("forced") for data in session.scalars(promoted)]
    assert found == [None, "it answers 1.0% right", "nothing"]


def test_a_version_whose_run_broke_off_before_it_was_judged_is_promoted_by_force_alone(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="li")
        run = session.get_one(Run, run_id)
        run.state, run.version = "cancelled", names[0]

    with pytest.raises(ModelVersionError, match=r"run 1 was cancelled before it was judged"):
        promote(database, tmp_path, names[0])
    assert champion_of(database) is None

    champion.promote(database, names[0], tmp_path, actor="li", force=True)
    assert champion_of(database) == names[0]
