"""Refused rows: the first are shown, all are kept."""

import json
from pathlib import Path

import pytest

from core.settings import Settings
from paidan.cli.rejects import Rejects, default_rejects


def test_five_are_shown_and_all_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = Rejects(tmp_path / "t.csv", tmp_path / "home" / "r.jsonl")
    for line in range(2, 9):
        rejects.add(line, "text", "it is blank", {"id": line, "text": "\ud83d"})
    rejects.report()

    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if line.startswith("refused: ")] == [
        f"refused: {tmp_path}/t.csv, line {line}, text: it is blank" for line in range(2, 7)
    ]
    assert told[-1] == f"rows refused: 7; they are in {tmp_path}/home/r.jsonl"
    kept = [json.loads(line) for line in rejects.target.read_text("utf-8").splitlines()]
    assert [row["line"] for row in kept] == list(range(2, 9))
    assert kept[0]["row"]["text"] == "\ud83d"  # half a pair, which UTF-8 cannot hold


def test_nothing_refused_leaves_no_file_and_no_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = Rejects(tmp_path / "t.csv", tmp_path / "r.jsonl")

    rejects.report()

    assert capsys.readouterr().err == ""
    assert not rejects.target.exists()


def test_without_a_target_they_go_to_this_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    assert Rejects.of(Path("t.csv"), tmp_path / "r.jsonl", settings).target == tmp_path / "r.jsonl"
    assert Rejects.of(Path("t.csv"), None, settings).target.parent == tmp_path / "rejects"
    assert default_rejects(settings, Path("长" * 300 + ".csv")).name.startswith("长")
