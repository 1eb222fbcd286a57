"""Bad files and missing servers: a push ends in a message that names the place and the cure."""

import json
from pathlib import Path

import pytest

from core.settings import load_settings
from tests.support.cli import Cli, jsonl, write


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "the file is empty"),
        ("blank.jsonl", "\n \n", "the file is empty"),
        ("header.csv", "external_id,text\n", "there is no row in it"),
        ("columns.csv", "id,body\n1,路灯坏了\n", "--column text=NAME"),
        ("binary.csv", b"\x7fELF\x00\x01\x02", "binary file"),
        ("book.csv", b"PK\x03\x04rest", "copied or downloaded whole"),
        ("tickets.docx", "x", "must end in one of .csv, .tsv"),
        (
            "broken.json",
            '[{"text": "a"}, {"text": ',
            "line 1: the value that begins here is not JSON",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_cure(
    cli: Cli, tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    ran = cli("push", write(tmp_path / name, content))

    assert ran.code == 1
    assert str(tmp_path / name) in ran.err
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_a_missing_file_is_told(cli: Cli, tmp_path: Path) -> None:
    ran = cli("push", tmp_path / "nowhere.csv")

    assert (ran.code, "no such file" in ran.err) == (1, True)


def test_bad_rows_are_reported_and_kept_while_the_rest_goes_on(
    cli: Cli, tmp_path: Path, home: Path
) -> None:
    file = jsonl(
        tmp_path / "mixed.jsonl",
        {"external_id": "good", "text": "路灯坏了"},
        {"external_id": "huge", "text": "水" * 1_000_000},
        {"external_id": "blank", "text": " \t　 "},
        {"external_id": "emoji", "text": "😡😡😡"},
        {"external_id": "lane", "text": "x", "lane": "fast"},
        {"external_id": "good", "text": "另一件事"},
        {"external_id": "good", "text": "路灯坏了"},
    )

    ran = cli("push", file)

    assert ran.code == 3  # done, but part of it was refused
    assert "added 2, known 1, rejected 4" in ran.out
    assert f"{file}, line 2, text: 1,000,000 characters; at most 50,000 are taken" in ran.err
    assert f"{file}, line 3, text: the text is missing or blank" in ran.err
    assert f"{file}, line 5, lane: 'fast' is no lane" in ran.err
    assert f"{file}, line 6, external_id: 'good' is stored already with another text" in ran.err
    [rejects] = (home / "rejects").iterdir()
    rows = [json.loads(line) for line in rejects.read_text("utf-8").splitlines()]
    assert [(row["line"], row["field"]) for row in rows] == [
        (2, "text"),
        (3, "text"),
        (5, "lane"),
        (6, "external_id"),
    ]
    assert rows[2]["row"]["external_id"] == "lane"


def test_strict_submits_nothing_if_a_row_is_bad(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "external_id,text\n1,路灯坏了\n2,\n")

    ran = cli("push", "--strict", file)

    assert ran.code == 1
    assert f"{file}, line 3, text" in ran.err
    assert "nothing was submitted" in ran.err
    assert json.loads(cli("status", "--json").out)["tickets"]["queued"] == {}


def test_pushing_the_same_file_again_adds_nothing(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "text\n路灯坏了\n路灯坏了\n井盖丢了\n")

    first, second = cli("push", file, "--json"), cli("push", file, "--json")

    assert json.loads(first.out)["added"] == 3
    assert (json.loads(second.out)["added"], json.loads(second.out)["known"]) == (0, 3)


def test_without_redis_tickets_are_stored_and_the_user_is_told(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "text\n路灯坏了\n")

    ran = cli("push", file)

    assert ran.code == 0
    assert "added 1" in ran.out
    assert "start it with 'paidan up'" in ran.err
    assert json.loads(cli("status", "--json").out)["tickets"]["queued"] == {"bulk": 1}


def test_without_redis_waiting_is_refused_after_storing(cli: Cli, tmp_path: Path) -> None:
    ran = cli("push", "--wait", write(tmp_path / "t.csv", "text\n路灯坏了\n"))

    assert ran.code == 1
    assert "stored, but not on its way" in ran.err


def test_a_redis_that_is_not_there_is_named_without_its_password(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAIDAN_REDIS_URL", "redis://:hidden@127.0.0.1:1/0")

    ran = cli("push", write(tmp_path / "t.csv", "text\n路灯坏了\n"))

    assert "127.0.0.1:1" in ran.err
    assert "hidden" not in ran.err


def test_a_read_only_database_is_told_and_nothing_is_lost(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cli("push", write(tmp_path / "a.csv", "text\n路灯坏了\n"))
    path = load_settings().resolved_home / "paidan.db"
    monkeypatch.setenv("PAIDAN_DATABASE_URL", f"sqlite:///file:{path}?mode=ro&uri=true")

    ran = cli("push", write(tmp_path / "b.csv", "text\n井盖丢了\n"))

    assert ran.code == 1
    assert "cannot be written" in ran.err
    assert json.loads(cli("status", "--json").out)["tickets"]["queued"] == {"bulk": 1}


def test_rejects_that_cannot_be_written_are_told_with_the_row(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "external_id,text\n7,\n")

    ran = cli("push", file, "--rejects", "/proc/paidan/rejects.jsonl")

    assert ran.code == 1
    assert f"{file}, line 2, text" in ran.err
    assert "--rejects" in ran.err
