"""What was made before the packages were moved still opens: model versions and a database.

``before_the_move/`` was written by the commands of that time, on synthetic tickets: a version of
each kind, a dump of the SQLite database, and what was answered and exported then.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.settings import load_settings
from db import Database, taxonomy, versions
from db.models import Status, Ticket
from db.schema import SCHEMA_REVISION, check_schema, migrate, schema_revision
from registry.opening import check_version, load_version
from tests.support.cli import Cli

FIXTURE = Path(__file__).parent / "before_the_move"
VERSIONS = FIXTURE / "versions"
EXPECTED: dict[str, Any] = json.loads((FIXTURE / "expected.json").read_text("utf-8"))
NAMES: dict[str, str] = {entry["kind"]: name for name, entry in EXPECTED["versions"].items()}
# Was added after the trainings: an LLM now answers it by its name, then it did not.
ADDED = frozenset({"U021"})
# Products of float32 are summed in an order of the processor's.
TOLERANCE = {"constant": 1e-6, "linear": 1e-6, "llm": 1e-4}


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    """The database as it was then, where the commands look for theirs; not yet migrated."""
    monkeypatch.setenv("PAIDAN_MODELS_DIR", str(VERSIONS))
    home = load_settings().resolved_home
    home.mkdir(mode=0o700, parents=True)
    connection = sqlite3.connect(home / "paidan.db")
    connection.executescript((FIXTURE / "database.sql").read_text("utf-8"))
    connection.close()
    return Database(f"sqlite:///{home / 'paidan.db'}")


@pytest.fixture
def migrated(database: Database) -> Database:
    migrate(database)
    return database


def test_the_database_is_brought_to_the_newest_schema_with_its_rows(database: Database) -> None:
    assert schema_revision(database) == "0002"

    migrate(database)

    check_schema(database)
    assert schema_revision(database) == SCHEMA_REVISION
    with database.reading() as session:
        by_status = session.execute(select(Ticket.status, func.count()).group_by(Ticket.status))
        assert {str(status): count for status, count in by_status} == EXPECTED["tickets"]
        assert set(EXPECTED["tickets"]) == {str(status) for status in Status}
        assert versions.champion(session) == EXPECTED["champion"]
        units = taxonomy.list_units(session, active_only=True)
        assert sorted(unit.code for unit in units) == EXPECTED["active_units"]
        digests = {v.name: v.manifest_sha256 for v in versions.list_versions(session)}
    assert digests == {n: entry["manifest_sha256"] for n, entry in EXPECTED["versions"].items()}


@pytest.mark.parametrize("kind", ["constant", "linear", "llm"])
def test_a_version_opens_and_answers_as_it_did(migrated: Database, kind: str) -> None:
    """Also with the unit that was merged into another one after the training."""
    if kind == "llm":
        pytest.importorskip("torch")
    name = NAMES[kind]
    texts = EXPECTED["texts"]
    allowed = frozenset(EXPECTED["active_units"]) - ADDED

    check_version(migrated, name, VERSIONS)
    classifier = load_version(migrated, name, VERSIONS)

    assert (classifier.version, classifier.kind) == (name, kind)
    found = classifier.classify(texts, [allowed] * len(texts))
    for decision, before in zip(found, EXPECTED["decisions"][name], strict=True):
        assert (decision.unit, decision.held_back) == (before["unit"], before["held_back"])
        assert decision.probability == pytest.approx(before["probability"], abs=TOLERANCE[kind])
        assert [code for code, _ in decision.top_k] == [code for code, _ in before["top_k"]]
        assert [p for _, p in decision.top_k] == pytest.approx(
            [p for _, p in before["top_k"]], abs=TOLERANCE[kind]
        )


@pytest.mark.usefixtures("database")
def test_the_commands_tell_of_it_what_they_told_then(cli: Cli) -> None:
    listed = json.loads(cli("models", "list", "--json").out)
    assert [(v["name"], v["kind"], v["champion"]) for v in listed] == [
        (name, entry["kind"], name == EXPECTED["champion"])
        for name, entry in EXPECTED["versions"].items()
    ]
    for name in EXPECTED["versions"]:
        assert json.loads(cli("models", "show", name).out)["name"] == name

    status = json.loads(cli("status", "--json").out)
    by_status = {name: sum(lanes.values()) for name, lanes in status["tickets"].items()}
    assert by_status == EXPECTED["tickets"]
    assert (status["champion"], status["claimed"]) == (EXPECTED["champion"], 0)
    assert (status["corrections"], len(status["workers"])) == (1, 1)

    exported = [json.loads(line) for line in cli("export", "-").out.splitlines()]
    assert [
        {name: row[name] for name in before}  # columns that came later have nothing to say of it
        for row, before in zip(exported, EXPECTED["export"], strict=True)
    ] == EXPECTED["export"]


@pytest.mark.usefixtures("database")
def test_a_rollback_goes_on_from_where_the_last_one_ended(cli: Cli) -> None:
    """Constant, linear and LLM were promoted in turn, and the LLM was taken back."""
    linear, constant = NAMES["linear"], NAMES["constant"]

    assert cli("models", "rollback").out == f"champion: {linear} -> {constant}\n"
    assert cli("models", "rollback").code == 1
    assert cli("models", "promote", NAMES["llm"]).out == (
        f"champion: {constant} -> {NAMES['llm']}\n"
    )
