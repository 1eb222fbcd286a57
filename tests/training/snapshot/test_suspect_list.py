"""What looks wrong in a snapshot is listed beside it before a run, once, without a text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from db import Database
from tests.support.make import add_units
from tests.support.snapshots import build
from tests.support.told import Told
from training.samples import Sample
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import snapshots_in
from training.snapshot.suspect_list import find_list, keep_suspects

WORDS = {"A": "路灯不亮 黑漆漆", "B": "自来水浑浊 有味道"}


def snapshot_of(database: Database, folder: Path, count: int) -> Snapshot:
    """The label of line 3 is another unit's."""
    add_units(database)
    seed = [
        Sample(f"{WORDS[unit]} {n * 7919:x}", unit, source=f"line {n}")
        for n in range(count)
        for unit in ["AB"[n % 2]]
    ]
    seed[3] = replace(seed[3], unit="A")
    return build(database, folder, seed)


@pytest.fixture
def snapshot(database: Database, tmp_path: Path) -> Snapshot:
    return snapshot_of(database, tmp_path, 320)


def test_they_are_listed_once_by_their_places(snapshot: Snapshot, tmp_path: Path) -> None:
    folder, told = snapshots_in(tmp_path), Told()
    before = {part: len(rows) for part, rows in snapshot.parts.items()}
    assert find_list(folder, snapshot.sha256) is None

    keep_suspects(snapshot, told)

    path = snapshot.path / "suspects.jsonl"
    assert find_list(folder, snapshot.sha256) == (1, path)
    assert told.lines == [f"1 labels look wrong, none is left out for it: {path}"]
    line, *others = map(json.loads, path.read_text("utf-8").splitlines())
    assert (line["place"], line["unit"], line["suggested"]) == ("line 3", "A", "B")
    assert [one["suspect"] for one in others] == [False] * 31  # a tenth of all
    assert not any(word in path.read_text("utf-8") for word in WORDS.values())
    assert {p: len(r) for p, r in Snapshot.load(snapshot.path).parts.items()} == before
    # A later attempt finds the list
    path.write_text("", "utf-8")
    keep_suspects(snapshot, told)
    assert told.lines[-1].startswith("0 labels look wrong")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"suspect"', b"\xff", b"[" * 99_999])
def test_a_list_that_was_changed_or_cut_is_made_anew(
    snapshot: Snapshot, tmp_path: Path, content: bytes
) -> None:
    path = snapshot.path / "suspects.jsonl"
    path.write_bytes(content)
    assert find_list(snapshots_in(tmp_path), snapshot.sha256) is None

    keep_suspects(snapshot, Told())

    assert find_list(snapshots_in(tmp_path), snapshot.sha256) == (1, path)


def test_of_few_tickets_none_is_listed_and_the_log_says_so(
    database: Database, tmp_path: Path
) -> None:
    snapshot, told = snapshot_of(database, tmp_path, 40), Told()

    keep_suspects(snapshot, told)

    assert "too few" in told.lines[0]
    assert find_list(snapshots_in(tmp_path), snapshot.sha256) is None
