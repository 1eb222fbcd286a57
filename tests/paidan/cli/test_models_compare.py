"""``paidan models compare``: two versions on a file, or on decided tickets."""

import json
from pathlib import Path

import pytest

from core.settings import load_settings
from db import open_database
from tests.support.cli import Cli, write
from tests.support.make import add_units
from tests.support.snapshots import add_decided, text
from tests.support.versions import register_constant


@pytest.fixture
def names(home: Path) -> tuple[str, str]:
    """Two versions, of which one answers A and the other B."""
    assert home
    database = open_database(load_settings())
    add_units(database)
    models = load_settings().resolved_models_dir
    found = (register_constant(database, models, "AAB"), register_constant(database, models, "BBA"))
    database.engine.dispose()
    return found


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows = [f"{text(n)},{'A' if n else 'B'}" for n in range(5)]
    return write(tmp_path / "labelled.csv", "text,unit\n" + "\n".join(rows) + "\n")


def test_both_are_measured_on_a_file(
    cli: Cli, names: tuple[str, str], labelled: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"

    ran = cli("models", "compare", *names, "--data", labelled, "--html", page)

    assert ran.code == 0, ran.err
    assert f"first   {names[0]}" in ran.out
    assert "5 tickets in 5 groups" in ran.out
    assert "right: both 0, first alone 4, second alone 1, neither 0" in ran.out
    accuracy = next(line for line in ran.out.splitlines() if line.startswith("accuracy"))
    assert accuracy.split()[1:4] == ["0.8000", "0.2000", "-0.6000"]
    changed, by_first, by_second = ran.out.split("confused: first second")[1:]
    assert "4  甲局 -> 乙局" in changed
    assert "甲局 -> 乙局" not in by_first
    assert "乙局 -> 甲局" in by_first
    assert "甲局 -> 乙局" in by_second
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_programs_get_json(cli: Cli, names: tuple[str, str], labelled: Path) -> None:
    told = json.loads(cli("models", "compare", *names, "--data", labelled, "--json").out)

    assert told["versions"] == list(names)
    assert told["right"] == {"both": 0, "first": 4, "second": 1, "neither": 0}
    assert told["measures"][0]["difference"] == pytest.approx(-0.6)
    assert told["confusions"][0] == {"unit": "A", "answer": "B", "first": 0, "second": 4}


def test_without_a_file_decided_tickets_are_taken_that_neither_learned(
    cli: Cli, names: tuple[str, str]
) -> None:
    nothing = cli("models", "compare", *names)
    assert (nothing.code, "nothing to compare on" in nothing.err) == (1, True)

    database = open_database(load_settings())
    add_decided(database, [(text(1), "A"), (text(2), "B"), (text(3), "A")])
    database.engine.dispose()

    ran = cli("models", "compare", *names)

    assert "3 tickets in 3 groups of near-duplicates: tickets that people decided since" in ran.out


def test_a_page_that_cannot_be_written_is_told(
    cli: Cli, names: tuple[str, str], labelled: Path, tmp_path: Path
) -> None:
    page = tmp_path / "nowhere" / "page.html"

    ran = cli("models", "compare", *names, "--data", labelled, "--html", page)

    assert (ran.code, f"{page} cannot be written" in ran.err) == (1, True)
