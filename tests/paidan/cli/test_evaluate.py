"""``paidan evaluate``: the champion is measured on labelled tickets."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli, write


def test_evaluate_measures_the_champion(cli: Cli, answered: Path) -> None:
    report = json.loads(cli("evaluate", answered / "labelled.csv", "--json").out)

    assert (report["n"], report["accuracy"], report["macro"]["f1"]) == (40, 1.0, 1.0)
    shown = cli("evaluate", answered / "labelled.csv").out
    assert report["accuracy_interval"] == [pytest.approx(0.025 ** (1 / 40)), 1.0]
    assert (report["error_interval"] is None) == (report["error"] is None)
    assert 0 <= report["risk_coverage_area"] <= 1
    assert "curve" not in report
    assert "accuracy 1.0000 (95 %: 0.9119 to 1.0000)" in shown
    assert "城管局" in shown


def test_the_risk_coverage_curve_is_drawn_where_it_is_asked_for(
    cli: Cli, answered: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "curve.svg"

    ran = cli("evaluate", answered / "labelled.csv", "--plot", picture)
    refused = cli("evaluate", answered / "labelled.csv", "--plot", tmp_path / "none" / "curve.svg")

    assert (ran.code, "<svg" in picture.read_text("utf-8")) == (0, True)
    assert (refused.code, "cannot be written" in refused.err) == (1, True)


def test_without_matplotlib_the_extra_to_install_is_named(
    cli: Cli, answered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    ran = cli("evaluate", answered / "labelled.csv", "--plot", tmp_path / "curve.svg")

    assert (ran.code, "pip install 'paidan[plot]'" in ran.err) == (1, True)


def test_without_a_champion_a_version_must_be_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("evaluate", write(tmp_path / "l.csv", "text,unit\nx,甲局\n"))

    assert (ran.code, "name one with --model" in ran.err) == (1, True)
