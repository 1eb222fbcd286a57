"""``paidan data``: snapshots, and labels that look wrong."""

import json
from pathlib import Path

import pytest

from core.settings import load_settings
from db import open_database, taxonomy
from tests.support.answers import correct
from tests.support.cli import Cli, jsonl, write
from tests.support.make import add_tickets
from tests.support.snapshots import text


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """40 tickets of two units, named by their names."""
    rows = [{"text": text(n), "unit": ("城管局", "水务局")[n % 2]} for n in range(40)]
    return jsonl(tmp_path / "labelled.jsonl", *rows)


def test_a_snapshot_is_made_of_a_file_and_then_of_what_it_was_and_the_decisions(
    cli: Cli, labelled: Path, home: Path
) -> None:
    first = cli("data", "snapshot", "--data", labelled)
    database = open_database(load_settings())
    [ticket] = add_tickets(database, 1)
    with database.reading() as session:
        codes = taxonomy.resolve(session, ["城管局"])
    correct(database, ticket, codes["城管局"])
    database.engine.dispose()
    second = cli("data", "snapshot", "--json")

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "2 units were added from the labels" in first.err
    assert "read: seed 40, decisions 0" in first.out
    assert "units: 2 active, 2 taught" in first.out
    assert f"kept in {home}/models/snapshots/000001-" in first.out
    told = json.loads(second.out)
    assert told["read"] == {"seed": 40, "decisions": 1}
    assert told["snapshot"].startswith("000002-")
    assert sum(told["parts"].values()) + sum(told["left_out"].values()) == 41
    assert len(told["sha256"]) == 64


def test_shares_are_settings(cli: Cli, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_FROZEN_SHARE", "0")

    ran = cli("data", "snapshot", "--data", labelled)

    assert "training 36, validation 4, frozen 0, recent 0" in ran.out


def test_a_row_without_a_unit_is_told_as_train_tells_it(cli: Cli, tmp_path: Path) -> None:
    ran = cli("data", "snapshot", "--data", write(tmp_path / "x.csv", "text\n路灯\n"))

    assert (ran.code, ran.out) == (1, "")
    assert "no row has both a text and a unit" in ran.err


def themed(tmp_path: Path) -> Path:
    """Two units that words tell apart, with one wrong label in line 4."""
    rows = [
        {"text": f"{words} {n * 7919}", "unit": unit}
        for n in range(20)
        for words, unit in (("路灯不亮 黑漆漆", "城管局"), ("自来水浑浊 有味道", "水务局"))
    ]
    rows[3]["unit"] = "城管局"
    return jsonl(tmp_path / "themed.jsonl", *rows)


def test_suspects_are_listed_with_their_place_and_what_the_others_say(
    cli: Cli, tmp_path: Path
) -> None:
    file = themed(tmp_path)

    ran = cli("data", "suspects", "--data", file, "--top", 2)
    told = json.loads(cli("data", "suspects", "--data", file, "--json").out)

    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert "1 of 40 tickets look like another unit's; the first 2, the most suspect first:" in lines
    assert lines[1].startswith("* 0.")
    assert "城管局 → 水务局  line 4: 自来水浑浊 有味道" in lines[1]
    assert (told["tickets"], told["suspect"], len(told["suspects"])) == (40, 1, 20)
    assert told["suspects"][0]["place"] == "line 4"


def test_suspects_are_those_of_the_newest_snapshot(cli: Cli, tmp_path: Path) -> None:
    none = cli("data", "suspects")
    cli("data", "snapshot", "--data", themed(tmp_path))
    ran = cli("data", "suspects", "--top", 1)

    assert (none.code, "there is no snapshot yet" in none.err) == (1, True)
    assert ran.code == 0, ran.err
    assert " tickets look like another unit's" in ran.out
