"""``paidan evaluate``: the champion is measured on labelled tickets."""

import json
from pathlib import Path

from tests.support.cli import Cli, write


def test_evaluate_measures_the_champion(cli: Cli, answered: Path) -> None:
    report = json.loads(cli("evaluate", answered / "labelled.csv", "--json").out)

    assert (report["n"], report["accuracy"], report["macro"]["f1"]) == (40, 1.0, 1.0)
    shown = cli("evaluate", answered / "labelled.csv").out
    assert "accuracy 1.0000" in shown
    assert "城管局" in shown


def test_without_a_champion_a_version_must_be_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("evaluate", write(tmp_path / "l.csv", "text,unit\nx,甲局\n"))

    assert (ran.code, "name one with --model" in ran.err) == (1, True)
