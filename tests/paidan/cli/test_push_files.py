"""Files as people have them, pushed by the command line: what goes in, what is told."""

import json
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.support.cli import Cli, write

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAIDAN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PAIDAN_DATABASE_URL", raising=False)
    monkeypatch.delenv("PAIDAN_REDIS_URL", raising=False)
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("title.csv", "2026年3月热线工单导出表,,\nexternal_id,text,备注\n1,路灯坏了,\n"),
        ("semicolon.csv", "sep=;\nExternal_ID; Text \n1;路灯坏了\n"),
        ("tab.tsv", "external_id\ttext\t\t\n1\t路灯坏了\t\t\n"),
        ("double.csv", "external_id,text,备注,备注\n1,路灯坏了,a,b\n"),
        ("lines.json", '{"external_id":"1","text":"路灯坏了"},\n'),
        ("array.jsonl", '[\n{"external_id":"1","text":"路灯坏了","满意度":NaN}\n]\n'),
    ],
)
def test_an_ordinary_export_goes_in(cli: Cli, tmp_path: Path, name: str, content: str) -> None:
    ran = cli("push", write(tmp_path / name, content), "--json")

    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["added"] == 1


def test_a_note_is_printed_once_for_all_its_rows(cli: Cli, tmp_path: Path) -> None:
    rows = "".join(f"{number},路灯坏了\n" for number in range(300))

    ran = cli("push", write(tmp_path / "t.csv", f"external_id,text,district\n{rows}"))

    assert ran.code == 0
    notes = [line for line in ran.err.splitlines() if "fewer fields than the header" in line]
    assert len(notes) == 1
    assert "300" in notes[0]


def test_a_damaged_row_is_refused_with_its_line_and_the_rest_goes_in(
    cli: Cli, tmp_path: Path
) -> None:
    content = "external_id,text\n1,路灯坏了\n2,垃圾没收拾".encode()[:-1] + "\n3,漏水\n".encode()

    ran = cli("push", write(tmp_path / "t.csv", content))

    assert ran.code == 3
    assert "added 2" in ran.out
    assert "t.csv, line 3: character 7 of the line is the byte 0xE6" in ran.err


def test_an_unclear_encoding_is_refused_and_named_it_is_read(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "external_id,text\n1,路灯\n".encode("gb18030"))

    refused, read = cli("push", file), cli("push", file, "--encoding", "gb18030")

    assert refused.code == 1
    assert "gb18030 ('1,路灯')" in refused.err
    assert "--encoding NAME" in refused.err
    assert len(refused.err.splitlines()) == 1
    assert (read.code, "added 1" in read.out) == (0, True)


def test_a_used_column_that_stands_twice_is_refused(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "id,说明,说明\n1,路灯坏了,漏水\n")

    ran = cli("push", file, "--column", "text=说明")

    assert ran.code == 1
    assert "column '说明' stands twice, as columns 2 and 3" in ran.err


def test_a_sheet_of_a_workbook_goes_in(cli: Cli, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(("说明",))
    book.active.append(("没有工单",))
    sheet = book.create_sheet("三月")
    sheet.append(("external_id", "text", "次数"))
    sheet.append((17, "路灯坏了", 3))
    book.save(tmp_path / "t.xlsx")

    ran = cli("push", tmp_path / "t.xlsx", "--sheet", "三月", "--json")

    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["added"] == 1


def test_units_are_imported_under_other_column_names(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "u.csv", "单位清单,\n编号; 名称\nA1;城管局\n")

    ran = cli("units", "import", file, "--column", "name=名称", "--column", "code=编号")

    assert ran.code == 0, ran.err
    assert "A1\t城管局" in cli("units", "list").out
    wrong = cli("units", "import", file, "--column", "colour=名称")
    assert "a unit has the fields code, name" in wrong.err
