"""A registered version is opened as it was registered, for the taxonomy as it is now."""

from pathlib import Path

import pytest
from sqlalchemy import delete

from core.errors import ModelVersionError
from db import Database, taxonomy
from db.models import Unit
from registry.opening import check_version, load_version, registered_kind, successors
from tests.support.make import UNITS, add_units
from tests.support.versions import register_constant, rewrite_manifest


@pytest.fixture
def name(database: Database, tmp_path: Path) -> str:
    """A registered version in the folder ``tmp_path``; it learned A and B."""
    add_units(database)
    return register_constant(database, tmp_path, "AAAB")


def change_units(database: Database, *units: taxonomy.UnitRecord) -> None:
    with database.writing() as session:
        taxonomy.import_units(session, units, actor="test")


def refused(database: Database, name: str, models_dir: Path) -> str:
    """Return why a version is neither opened nor found in order."""
    for opened in (load_version, check_version):
        with pytest.raises(ModelVersionError) as error:
            opened(database, name, models_dir)
    return str(error.value)


def test_a_version_is_opened_with_its_kinds_classifier(
    database: Database, tmp_path: Path, name: str
) -> None:
    check_version(database, name, tmp_path)
    classifier = load_version(database, name, tmp_path)

    assert (classifier.version, classifier.kind, classifier.units) == (name, "constant", {*"AB"})
    assert registered_kind(database, name) == "constant"


def test_a_unit_merged_since_answers_as_the_one_it_went_into(
    database: Database, tmp_path: Path, name: str
) -> None:
    change_units(database, taxonomy.UnitRecord("A", "甲局", status="merged", merged_into="C"))

    classifier = load_version(database, name, tmp_path)

    [decision] = classifier.classify(["路灯坏了"], [frozenset("BC")])
    assert (decision.unit, decision.probability) == ("C", 0.75)


@pytest.mark.parametrize("parts", [(), ("C", "D")], ids=["retired", "split"])
def test_a_unit_gone_without_one_successor_stands_for_itself_and_is_still_answered(
    database: Database, tmp_path: Path, name: str, parts: tuple[str, ...]
) -> None:
    gone = taxonomy.UnitRecord("A", "甲局", status="retired", split_into=parts)
    change_units(database, taxonomy.UnitRecord("D", "丁局"), gone)

    check_version(database, name, tmp_path)
    classifier = load_version(database, name, tmp_path)

    assert classifier.units == {*"AB"}
    [decision] = classifier.classify(["路灯坏了"], [frozenset("ABCD")])
    assert (decision.unit, decision.probability) == ("A", 0.75)
    with database.reading() as session:
        assert successors(session, name, ["A", "B"]) == {"B": "B"}


def test_a_version_of_which_no_unit_is_left_is_refused(
    database: Database, tmp_path: Path, name: str
) -> None:
    change_units(
        database, *(taxonomy.UnitRecord(c, UNITS[c], status="retired") for c in ("A", "B"))
    )

    assert "learned 2 units, and none of them is active" in refused(database, name, tmp_path)


def test_a_version_of_another_taxonomy_is_refused(
    database: Database, tmp_path: Path, name: str
) -> None:
    with database.writing() as session:
        session.execute(delete(Unit).where(Unit.code == "B"))

    assert "learned unit 'B', which this taxonomy never had" in refused(database, name, tmp_path)


def test_another_manifest_than_the_registered_one_is_refused(
    database: Database, tmp_path: Path, name: str
) -> None:
    rewrite_manifest(tmp_path / name, metrics={})

    assert "is not the one registered" in refused(database, name, tmp_path)


def test_changed_and_missing_files_are_refused(
    database: Database, tmp_path: Path, name: str
) -> None:
    prior = tmp_path / name / "prior.json"
    prior.write_text("{}")
    assert "prior.json was changed" in refused(database, name, tmp_path)
    prior.unlink()
    assert "prior.json is missing" in refused(database, name, tmp_path)


def test_a_version_that_is_not_registered_is_refused(database: Database, tmp_path: Path) -> None:
    assert "no model version 'v' is registered" in refused(database, "v", tmp_path)
