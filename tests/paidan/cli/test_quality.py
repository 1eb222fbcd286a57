"""``paidan quality``: estimate, weeks, units and drift of a record."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.settings import load_settings
from db import Database, open_database, taxonomy
from db.taxonomy import UnitRecord
from tests.support.answers import add_version, answer_all, correct
from tests.support.cli import Cli
from tests.support.make import UNITS, add_tickets, add_units


@pytest.fixture
def database() -> Iterator[Database]:
    """The record of the commands: 6 routed, 3 sampled (right, wrong, undecided)."""
    database = open_database(load_settings())
    add_units(database)
    add_version(database, "v")
    ids = add_tickets(database, 9)
    answer_all(database, [("A", 0.9, None)] * 6 + [("B", 0.9, "sample")] * 3)
    correct(database, ids[6], "B")
    correct(database, ids[7], "C")
    yield database
    database.engine.dispose()


@pytest.mark.usefixtures("database")
def test_the_error_is_told_with_its_interval_and_what_makes_it_doubtful(cli: Cli) -> None:
    ran = cli("quality")

    assert ran.code == 0
    assert "routed     6 tickets by the model alone; 3 more" in ran.out
    assert "error      50.0% of them, by the sample; with 95 % confidence 1.3% to 98.7%" in ran.out
    assert "1 of 3 sampled tickets are undecided" in ran.out
    assert "33.3% if all of them are right, 66.7% if all are wrong" in ran.out
    assert "drift      not known: no champion, 0 of 2,000 answers" in ran.out


@pytest.mark.usefixtures("database")
def test_json_has_week_and_unit(cli: Cli) -> None:
    state = json.loads(cli("quality", "--json").out)

    assert state["total"]["accuracy"] == state["total"]["error"] == 0.5
    assert [(week["routed"], week["sampled"]) for week in state["weeks"] if week["routed"]] == [
        (6, 3)
    ]
    assert len(state["weeks"]) == 13
    assert [(unit["unit"], unit["name"], unit["wrong"]) for unit in state["units"]] == [
        ("A", "甲局", 0),
        ("B", "乙局", 1),
        ("C", "丙局", 0),  # it was sent what a person took from B
    ]
    assert state["units"][0]["error"] is None
    assert state["units"][0]["error_interval"] == [0.0, 1.0]


@pytest.mark.usefixtures("database")
def test_a_period_without_answers_says_that_nothing_is_known(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cli("quality", "--since", "2020-01-01", "--until", "2020-02-01")
    assert "error      not known, no ticket of the sample is decided: set PAIDAN_" in ran.out

    monkeypatch.setenv("PAIDAN_REVIEW_SAMPLE", "0.01")
    ran = cli("quality", "--since", "2020-01-01", "--until", "2020-02-01")
    assert "set PAIDAN_" not in ran.out


@pytest.mark.usefixtures("database")
def test_a_share_that_was_another_is_noted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the sample had another share than 0.0%" in cli("quality").out

    monkeypatch.setenv("PAIDAN_REVIEW_SAMPLE", "0.3")
    assert "another share" not in cli("quality").out


def test_a_period_that_ends_before_it_begins_is_wrong_usage(cli: Cli) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()

    assert cli("quality", "--since", tomorrow).code == 2


def test_a_unit_that_is_gone_says_what_stands_for_it_now(cli: Cli, database: Database) -> None:
    with database.writing() as session:
        merged = UnitRecord("A", UNITS["A"], status="merged", merged_into="C")
        retired = UnitRecord("B", UNITS["B"], status="retired")
        taxonomy.import_units(session, [merged, retired], actor="test")

    out = cli("quality").out

    assert "甲局 (now C)" in out
    assert "乙局 (now retired)" in out
    assert "丙局 (now" not in out
