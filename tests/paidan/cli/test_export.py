"""``paidan export``: a row a ticket; an export that fails leaves the old file."""

import csv
import json
from pathlib import Path
from typing import get_args

from classifier.interface import HeldBack
from db.provenance import Asked
from db.results import SAMPLED
from paidan.cli.export import REASONS
from tests.support.cli import Cli


def test_export_has_a_row_a_ticket_with_prediction_and_decision(cli: Cli, answered: Path) -> None:
    ran = cli("export", answered / "out.csv")

    assert (ran.code, "3 tickets exported" in ran.err) == (0, True)
    with (answered / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["external_id"]: row for row in csv.DictReader(stream)}
    assert (rows["1"]["predicted_unit"], rows["2"]["predicted_unit"]) == ("城管局", "水务局")
    assert rows["1"]["given_unit"] == "城管局"
    assert float(rows["1"]["confidence"]) > 0.5
    assert json.loads(rows["1"]["top_k"])[0][0] == "城管局"
    assert rows["1"]["model"].startswith("linear-")
    jsonl = cli("export", "-").out.splitlines()
    assert [json.loads(line)["external_id"] for line in jsonl] == ["1", "2", "3"]


def test_an_export_that_fails_leaves_the_old_file(cli: Cli, answered: Path) -> None:
    (answered / "out.txt").write_text("old")

    assert cli("export", answered / "out.txt").code == 1
    assert cli("export", answered / "nowhere" / "out.csv").code == 1
    assert (answered / "out.txt").read_text() == "old"


def test_every_reason_to_hold_an_answer_back_can_be_asked_for() -> None:
    assert set(REASONS) == {*get_args(HeldBack), Asked.GONE, SAMPLED}
