"""Labels in files for training: spellings of one unit, labels that name none, failed trainings."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.settings import load_settings
from db import open_database
from db.models import Unit
from tests.support.cli import Cli, Ran, write


def labelled(path: Path, labels: Iterable[str], rows: int = 12) -> Path:
    spellings = list(labels)
    lines = [
        f"{'路灯不亮' if n % 2 else '自来水浑浊'} {n},{spellings[n % len(spellings)]}"
        for n in range(rows)
    ]
    return write(path, "text,unit\n" + "\n".join(lines) + "\n")


def train(cli: Cli, file: Path, *more: str) -> Ran:
    return cli("train", "--data", file, "--kind", "constant", *more)


def units(cli: Cli) -> list[str]:
    return [unit["code"] for unit in json.loads(cli("units", "list", "--all", "--json").out)]


@pytest.mark.parametrize(
    "spellings",
    [
        ["水务局", "城管局", "水务局\u200b", "城管局\ufeff", "水务局\u200e", "城 管 局"],
        ["Café 部", "城管局", "Cafe\u0301 部", "城管局\u00ad", "CAFÉ部", "城管局\ufe0f"],
    ],
    ids=["invisible", "forms"],
)
def test_spellings_of_one_unit_become_one_unit(
    cli: Cli, tmp_path: Path, spellings: list[str]
) -> None:
    ran = train(cli, labelled(tmp_path / "l.csv", spellings))

    assert ran.code == 0
    assert units(cli) == sorted(spellings[:2])
    assert "4 labels are read as the unit they look like" in ran.err
    assert train(cli, labelled(tmp_path / "l.csv", spellings[2:])).code == 0
    assert units(cli) == sorted(spellings[:2])


def test_labels_that_name_no_unit_are_left_out_and_told(cli: Cli, tmp_path: Path) -> None:
    spellings = [
        "水务局",
        "城管局",
        "NULL",
        "nan",
        "待定",
        "无",
        "None",
        "N/A",
        "-",
        "#N/A",
        "未知",
    ]
    file = labelled(tmp_path / "l.csv", spellings, rows=22)

    ran = train(cli, file)

    assert ran.code == 0
    assert units(cli) == ["城管局", "水务局"]
    assert f"note: {file}: 18 rows are left out, because their label names no unit" in ran.err
    assert "first line 4" in ran.err
    evaluated = cli("evaluate", file, "--model", ran.out.split()[0], "--json")
    assert json.loads(evaluated.out)["n"] == 4


def test_a_unit_that_bears_such_a_name_keeps_it(cli: Cli, tmp_path: Path) -> None:
    imported = cli("units", "import", write(tmp_path / "u.csv", "code,name\n00,无\n01,城管局\n"))
    assert imported.code == 0

    ran = train(cli, labelled(tmp_path / "l.csv", ["无", "城管局", "无", "待定"]))

    assert ran.code == 0
    assert "3 rows are left out" in ran.err
    assert units(cli) == ["00", "01"]


def test_a_file_of_such_labels_alone_is_refused(cli: Cli, tmp_path: Path) -> None:
    ran = train(cli, labelled(tmp_path / "l.csv", ["NULL", "待定"]))

    assert ran.code == 1
    assert "no row has both a text and a unit" in ran.err


def test_a_training_that_fails_leaves_no_unit(cli: Cli, tmp_path: Path) -> None:
    ran = cli("train", "--data", labelled(tmp_path / "l.csv", ["水务局"]))  # one unit: refused

    assert ran.code == 1
    assert "at least two units" in ran.err
    assert units(cli) == []
    assert train(cli, labelled(tmp_path / "l.csv", ["水务局", "城管局"])).code == 0
    assert units(cli) == ["城管局", "水务局"]


def old_home(*codes: str) -> None:
    database = open_database(load_settings())
    with database.writing() as session:
        session.add_all(
            Unit(code=code, name=code, status="active", taxonomy_version=1) for code in codes
        )
    database.engine.dispose()


def test_a_home_with_look_alikes_is_told_of_them_and_mended(cli: Cli, tmp_path: Path) -> None:
    old_home("Café 部", "Cafe\u0301 部", "城管局", "城管局\u200b")
    file = labelled(tmp_path / "l.csv", ["Café 部", "城管局"])

    ran = train(cli, file)

    assert ran.code == 0
    assert "note: units '城管局', '城管局\\u200b' look alike" in ran.err
    unclear = train(cli, labelled(tmp_path / "m.csv", ["Café 部", "城管局\ufeff"]))
    assert unclear.code == 1
    assert "line 3, unit: '城管局\\ufeff' may be any of the units" in unclear.err
    assert cli("units", "remove").code == 2
    removed = cli("units", "remove", "--look-alikes")
    assert removed.code == 0
    assert removed.out == "removed 'Cafe\\u0301 部'\nremoved '城管局\\u200b'\n"
    in_use = cli("units", "remove", "城管局")
    assert in_use.code == 1
    assert f"'城管局' is in use: version {ran.out.split()[0]} learned it" in in_use.err
    assert units(cli) == ["Café 部", "城管局"]


def test_units_that_look_alike_in_one_file_are_refused_with_both_lines(
    cli: Cli, tmp_path: Path
) -> None:
    file = write(tmp_path / "u.csv", "code,name\n01,城管局\n02,水务局\n03,城管局\u200b\n")

    ran = cli("units", "import", file)

    assert ran.code == 1
    assert f"{file}: units '01' (line 2) and '03' (line 4)" in ran.err
    assert "nothing was imported" in ran.err
    assert units(cli) == []


def test_a_code_in_another_spelling_names_its_unit(cli: Cli, tmp_path: Path) -> None:
    cli(
        "units",
        "import",
        write(tmp_path / "u.csv", "code,name,parent\nA-01,城管局,-\nB,水务局,NULL\n"),
    )

    ran = train(cli, labelled(tmp_path / "l.csv", ["a-01", "Ｂ", "A -01", "b"]))

    assert ran.code == 0
    assert units(cli) == ["A-01", "B"]


def test_decisions_are_found_by_how_unit_and_id_look(cli: Cli, tmp_path: Path) -> None:
    old_home("Café 部", "城管局", "水务局", "水务局\u200b")
    tickets = write(
        tmp_path / "t.csv", "external_id,text\n000123,路灯\n77,井盖\n78,漏水\n79,停电\n"
    )
    assert cli("push", tickets).code == 0
    decided = (
        'external_id,unit\n"=""000123""",Cafe\u0301部\n77.0,城 管局\n'
        "78,水务局\ufeff\n7.9E+15,城管局\n79,待定\n"
    )

    ran = cli("correct", write(tmp_path / "d.csv", decided))

    assert ran.code == 3
    assert "corrected 2, confirmed 0, decided before 0, not decided 1, refused 2" in ran.out
    assert "line 4: unit '水务局\\ufeff' may be any of the units '水务局' and" in ran.err
    assert "line 5: '7.9E+15' is no id any more" in ran.err


def test_what_a_model_answered_is_no_label(cli: Cli, tmp_path: Path) -> None:
    # Given an export in which people have decided some tickets
    rows = [
        f"{'路灯不亮' if n % 2 else '水浑浊'} {n},{'城管局' if n % 2 else '水务局'},{who}"
        for n, who in enumerate(["zhang", "li", "zhang", "li", "model", "model", "", ""])
    ]
    file = write(tmp_path / "export.csv", "text,final_unit,decided_by\n" + "\n".join(rows) + "\n")

    # When it is learned from
    ran = train(cli, file, "--column", "unit=final_unit")

    # Then what no person decided is left out
    assert ran.code == 0, ran.err
    assert "4 rows were left out" in ran.err
    assert "the model's own answer" in ran.err
