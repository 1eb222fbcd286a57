"""``paidan units``: units are imported, listed, merged and removed."""

import json
from pathlib import Path

from tests.support.cli import Cli, write


def test_units_are_imported_listed_and_merged(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text("code,name,responsibilities,merged_into\nA,甲局,路灯,\nB,乙局,,A\n", "utf-8")

    assert (
        "2 units added, 0 changed, 0 as before; taxonomy version 1"
        in cli("units", "import", file).out
    )
    assert cli("units", "list").out == "A\t甲局\n"
    assert "B\t乙局  (merged into A)" in cli("units", "list", "--all").out
    everything = json.loads(cli("units", "list", "--all", "--json").out)
    assert [unit["responsibilities"] for unit in everything] == ["路灯", ""]
    assert "0 units added, 0 changed, 2 as before" in cli("units", "import", file).out


def test_a_unit_is_split_and_says_so(cli: Cli, tmp_path: Path) -> None:
    cli("units", "import", write(tmp_path / "u.csv", "code,name\nA,甲局\nB,乙局\n"))
    parts = "code,name,split_into\nA,甲局,C;D\nC,丙局,\nD,丁局,\nB,乙局,\n"

    assert (
        "2 units added, 1 changed" in cli("units", "import", write(tmp_path / "s.csv", parts)).out
    )

    assert cli("units", "list").out == "B\t乙局\nC\t丙局\nD\t丁局\n"
    assert "A\t甲局  (split into C, D)" in cli("units", "list", "--all").out
    units = json.loads(cli("units", "list", "--all", "--json").out)
    assert [unit["split_into"] for unit in units] == [["C", "D"], [], [], []]
    cli("units", "import", write(tmp_path / "r.csv", "code,name,status\nB,乙局,retired\n"))
    assert "B\t乙局  (retired)" in cli("units", "list", "--all").out
    lonely = cli("units", "import", write(tmp_path / "l.csv", "code,name,split_into\nC,丙局,D\n"))
    assert (lonely.code, "split_into names two units or more" in lonely.err) == (1, True)


def test_a_name_that_goes_over_to_another_unit_is_told(cli: Cli, tmp_path: Path) -> None:
    cli("units", "import", write(tmp_path / "u.csv", "code,name\nA,甲局\nB,乙局\n"))

    told = cli("units", "import", write(tmp_path / "r.csv", "code,name\nA,丙局\nB,甲局\n"))

    assert told.code == 0
    assert told.err.startswith("note: the name '甲局' went over from unit 'A' to unit 'B': ")
    again = cli("units", "import", tmp_path / "r.csv")
    assert (again.code, again.err) == (0, "")


def test_units_are_imported_from_columns_of_other_names(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text("编码,单位名称,职责\nA,甲局,路灯\n", "utf-8")
    names = (
        "--column",
        "name=单位名称",
        "--column",
        "code=编码",
        "--column",
        "responsibilities=职责",
    )

    assert "1 units added" in cli("units", "import", file, *names).out
    [unit] = json.loads(cli("units", "list", "--json").out)
    assert (unit["code"], unit["name"], unit["responsibilities"]) == ("A", "甲局", "路灯")
    missing = cli("units", "import", file, "--column", "name=名")
    assert (missing.code, "no column '名' among '编码', '单位名称', '职责'" in missing.err) == (
        1,
        True,
    )
    assert (
        "a unit has the fields code, name"
        in cli("units", "import", file, "--column", "title=名").err
    )


def test_what_is_removed_is_named_or_looks_alike_and_nothing_refers_to_it(
    cli: Cli, tmp_path: Path
) -> None:
    cli("units", "import", write(tmp_path / "u.csv", "code,name\nA,甲局\nB,乙局\n"))

    assert cli("units", "remove").code == 2
    assert cli("units", "remove", "A", "--look-alikes").code == 2
    assert cli("units", "remove", "--look-alikes").out == "no unit was removed\n"
    assert "removed 'A'" in cli("units", "remove", "A").out
    assert cli("units", "list").out == "B\t乙局\n"
