"""A JSON array: what stood before a fault is read, and the fault's line is named."""

from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.reader import read_rows
from producer.files.rows import Row
from tests.support.tables import rows_of

pytestmark = pytest.mark.usefixtures("window")


@pytest.mark.parametrize("content", ["[]", " [ ] ", "\n[\n]\n"])
def test_an_empty_array_has_no_rows(json_file: Path, content: str) -> None:
    assert rows_of(json_file, content) == []


@pytest.mark.parametrize(
    ("content", "read", "message"),
    [
        ('[{"a": 1},\n{"a": 2},\n{"a": b},\n{"a": 4}]', 2, "line 3: .* is not JSON"),
        ('[{"a": 1},\n,{"a": 2}]', 1, "line 2: .* is not JSON"),
        ('[{"a": 1}\n{"a": 2}]', 1, "line 2: a comma is missing"),
        ('[{"a": 1},\n{"a": "x', 1, "line 2: .* is not JSON .Unterminated string"),
        ('[{"a": 1},\n{"a": 2}\n', 2, "line 3: the file ends inside the array"),
        ('[{"a": 1},\n', 1, "line 2: the file ends inside the array"),
        ("[", 0, "line 1: the file ends inside the array"),
        ('[{"a": 1}]\n[{"a": 2}]', 1, "line 2: text follows the end of the array"),
        ('[{"a": ' + "[" * 100_000 + "]" * 100_000 + "}]", 0, "line 1: .*nested too deeply"),
        ('[{"a": ' + "9" * 5000 + "}]", 0, "line 1: .*integer string conversion"),
    ],
    ids=[
        "broken value",
        "comma twice",
        "no comma",
        "ends in a string",
        "ends behind a value",
        "ends behind a comma",
        "ends at once",
        "two arrays",
        "nesting",
        "number",
    ],
)
def test_a_broken_file_gives_what_stood_before_and_names_the_line(
    json_file: Path, content: str, read: int, message: str
) -> None:
    json_file.write_text(content)
    rows: list[Row] = []

    with pytest.raises(InputError, match=message):
        rows.extend(read_rows(json_file))
    # list.extend keeps what came before the error
    assert [row.values for row in rows] == [{"a": n} for n in range(1, read + 1)]
