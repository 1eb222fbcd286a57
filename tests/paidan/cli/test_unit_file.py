"""A file of units: blank fields name nothing, and what cannot be taken names its line."""

from pathlib import Path

import pytest

from core.errors import InputError
from paidan.cli.unit_file import read_units
from tests.support.cli import write


def test_a_unit_without_a_code_has_its_name_for_one_and_a_merged_one_is_merged(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / "u.csv", "name,code,parent,merged_into\n甲局,,NULL,\n乙局,B,,甲局\n")

    first, second = read_units(file, {}, None, None)

    assert (first.code, first.name, first.parent, first.status) == ("甲局", "甲局", None, "active")
    assert (second.code, second.status, second.merged_into) == ("B", "merged", "甲局")
    assert (first.place, second.place) == ("line 2", "line 3")


@pytest.mark.parametrize(
    ("content", "columns", "told"),
    [
        ("code,name\n", {}, "there is no unit in it"),
        ("code,name\nA,\n", {}, "line 2: the name is missing"),
        ("name,status\n甲局,gone\n", {}, "line 2: status 'gone' is none of active"),
        ("name,status\n甲局,split\n", {}, "line 2: status 'split' needs split_into"),
        ("名\n甲局\n", {"name": "名称"}, "line 2: no column '名称' among '名'"),
        ("name\n甲局\n", {"colour": "name"}, "a unit has the fields code, name"),
    ],
)
def test_what_is_no_unit_is_refused(
    tmp_path: Path, content: str, columns: dict[str, str], told: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_units(write(tmp_path / "u.csv", content), columns, None, None)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("u.csv", "code,name,split_into\nA,甲局,D；E\nB,乙局,NULL\n"),
        ("u.csv", "code,name,status,split_into\nA,甲局,split,D ; E、\nB,乙局,,\n"),
        ("u.jsonl", '{"code":"A","name":"甲局","split_into":["D","E"]}\n{"name":"乙局"}\n'),
    ],
)
def test_a_unit_that_was_split_is_retired_with_its_parts(
    tmp_path: Path, name: str, content: str
) -> None:
    split, other = read_units(write(tmp_path / name, content), {}, None, None)

    assert (split.status, split.split_into) == ("retired", ("D", "E"))
    assert (other.status, other.split_into) == ("active", ())
