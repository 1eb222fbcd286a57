"""``paidan train``: what data are taken, and what is told of them."""

from pathlib import Path

from tests.support.cli import Cli, jsonl, write


def test_unknown_units_are_taken_from_the_labels_and_told(cli: Cli, tmp_path: Path) -> None:
    rows = [
        {"Question": f"text {n}", "Complex_CoT": "", "Response": "甲乙"[n % 2]} for n in range(9)
    ]

    ran = cli("train", "--data", jsonl(tmp_path / "d.jsonl", *rows), "--kind", "constant")

    assert ran.code == 0
    assert "2 units were added from the labels: 乙, 甲" in ran.err


def test_tickets_of_units_that_were_retired_or_split_are_left_out_and_told(
    cli: Cli, tmp_path: Path
) -> None:
    units = (
        "code,name,status,split_into\nA,甲局,,\nB,乙局,retired,\nC,丙局,,D;E\nD,丁局,,\nE,戊局,,\n"
    )
    assert cli("units", "import", write(tmp_path / "u.csv", units)).code == 0
    data = write(tmp_path / "d.csv", "text,unit\nx,甲局\ny,乙局\nz,丙局\nw,丁局\nv,丙局\n")

    ran = cli("train", "--data", data, "--kind", "constant")

    assert ran.code == 0
    told = "3 rows are left out, because their unit was retired or split, and nobody knows whose"
    assert f"{data}: {told} they are now (丙局, 乙局; first line 3)" in ran.err


def test_an_unknown_unit_in_test_data_is_refused_and_not_added(cli: Cli, tmp_path: Path) -> None:
    data = write(tmp_path / "d.csv", "text,unit\nx,甲局\ny,乙局\n")
    cli("train", "--data", data, "--kind", "constant", "--promote")

    ran = cli("evaluate", write(tmp_path / "e.csv", "text,unit\nx,丁局\n"))

    assert ran.code == 1
    assert "'丁局' is unknown" in ran.err
    assert "丁局" not in cli("units", "list").out


def test_data_without_labels_is_refused(cli: Cli, tmp_path: Path) -> None:
    ran = cli("train", "--data", write(tmp_path / "d.csv", "text,category\nx,甲\n"))

    assert ran.code == 1
    assert "--column text=NAME --column unit=NAME" in ran.err


def test_data_of_one_unit_is_refused(cli: Cli, tmp_path: Path) -> None:
    ran = cli("train", "--data", write(tmp_path / "d.csv", "text,unit\nx,甲\ny,甲\n"))

    assert ran.code == 1
    assert "at least two units" in ran.err


WEAK = [
    (f"{letter * 9}", "甲乙"[n % 2]) for n, letter in enumerate("红橙黄绿青蓝紫黑白灰金银铜铁锡铝")
]
"""Labels that have nothing to do with the texts."""


def test_a_weak_version_is_kept_and_not_promoted_unless_by_force(cli: Cli, tmp_path: Path) -> None:
    rows = "".join(f"{text},{unit}\n" for text, unit in WEAK)
    data = write(tmp_path / "d.csv", "text,unit\n" + rows)

    refused = cli("train", "--data", data, "--promote")

    assert refused.code == 1
    assert "warning: it answers" in refused.err
    assert "is registered and not promoted, because it is weak: it answers" in refused.err
    [version] = [line.split()[0] for line in refused.out.splitlines() if "is registered" in line]
    assert "* linear" not in cli("models", "list").out

    again = cli("models", "promote", version)
    assert again.code == 1
    assert "--force" in again.err
    assert cli("models", "promote", version, "--force").code == 0
    assert cli("train", "--data", data, "--promote", "--force").code == 0


def test_force_goes_with_promote(cli: Cli, tmp_path: Path) -> None:
    data = write(tmp_path / "d.csv", "text,unit\nx,甲\ny,乙\n")

    ran = cli("train", "--data", data, "--kind", "constant", "--force")

    assert ran.code == 2
    assert "--force goes with --promote" in ran.err
