"""JSON of either form under either name."""

from pathlib import Path

import pytest

from core.errors import InputError
from tests.support.tables import rows_of


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.ndjson", "t.txt"])
@pytest.mark.parametrize(
    "content",
    [
        '[{"text": "一"}, {"text": "二"}]',
        '\n [\n{"text": "一"},\n{"text": "二"}]\n',
        '{"text": "一"}\n{"text": "二"}',
        '\n{"text": "一"},\n{"text": "二"},\n',
    ],
    ids=["array", "array over lines", "lines", "lines with commas"],
)
def test_the_form_is_known_by_the_first_character(tmp_path: Path, name: str, content: str) -> None:
    rows = rows_of(tmp_path / name, content)

    assert [row.values for row in rows] == [{"text": "一"}, {"text": "二"}]


@pytest.mark.parametrize(
    ("content", "line"), [('{\n"a": 1}\n', 1), ('\n"text', 2), ('{"a": 1,\n"b": 2}', 1)]
)
def test_one_object_over_several_lines_is_refused(json_file: Path, content: str, line: int) -> None:
    message = f"line {line}: neither an array of objects nor one object a line"
    with pytest.raises(InputError, match=message):
        rows_of(json_file, content)


def test_lines_that_begin_with_a_list_are_no_array(tmp_path: Path) -> None:
    listed, taken = rows_of(tmp_path / "t.jsonl", '[1, 2]\n{"text": "一"}\n')

    assert listed.problem == "a list where an object is expected"
    assert taken.values == {"text": "一"}
