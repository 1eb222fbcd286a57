"""The streaming JSON reader: any array reads back, whatever the window cuts through."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from producer.files import json_window
from producer.files.reader import read_rows
from producer.files.rows import Row

WINDOWS = [1, 2, 3, 7, 64, 1 << 16]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def rows_of(path: Path, content: str) -> list[Row]:
    path.write_bytes(content.encode(errors="surrogatepass"))
    return list(read_rows(path, encoding="utf-8"))


@pytest.fixture(params=WINDOWS)
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The reader's window, down to one character."""
    monkeypatch.setattr(json_window, "_CHUNK_CHARS", request.param)
    return int(request.param)


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.json"


def _line_of_each(objects: list[Any], dumped: str) -> list[int]:
    """The line on which each object begins, found with the library's own decoder."""
    lines, position = [], 1
    for _ in objects:
        while dumped[position] in " \n,":
            position += 1
        lines.append(dumped.count("\n", 0, position) + 1)
        position = json.JSONDecoder().raw_decode(dumped, position)[1]
    return lines


@pytest.mark.usefixtures("window")
@given(
    objects=st.lists(st.dictionaries(st.text(max_size=5), json_values, max_size=4), max_size=6),
    indent=st.sampled_from([None, 0, 1, 4]),
    ascii_only=st.booleans(),
)
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_list_of_objects_reads_back_the_same_with_its_lines(
    json_file: Path, objects: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    dumped = json.dumps(objects, indent=indent, ensure_ascii=ascii_only)

    rows = rows_of(json_file, dumped)

    assert [row.values for row in rows] == objects
    assert [row.line for row in rows] == _line_of_each(objects, dumped)


@pytest.mark.usefixtures("window")
def test_what_is_no_object_is_reported_and_the_rest_is_read(json_file: Path) -> None:
    rows = rows_of(json_file, '[1,\n-1.5e+10,\n"a",\n[2],\ntrue, null,\n{"text": "一"}]')

    assert [row.line for row in rows] == [1, 2, 3, 4, 5, 5, 6]
    kinds = [row.problem and row.problem.split()[1] for row in rows]
    assert kinds == ["int", "float", "str", "list", "bool", "NoneType", None]
    assert rows[-1].values == {"text": "一"}


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize("content", ["[]", " [ ] ", "\n[\n]\n"])
def test_an_empty_array_has_no_rows(json_file: Path, content: str) -> None:
    assert rows_of(json_file, content) == []


@pytest.mark.usefixtures("window")
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
        ('{\n"a": 1}\n', 0, "line 1: neither an array of objects nor one object a line"),
        ('\n"text', 0, "line 2: neither an array of objects nor one object a line"),
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
        "an object",
        "a string",
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


def test_a_value_that_never_ends_is_given_up_before_the_whole_file_is_in_memory(
    json_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producer.files.rows.MAX_VALUE_CHARS", 10_000)
    monkeypatch.setattr(json_window, "_CHUNK_CHARS", 1000)
    read: list[int] = []
    fill = json_window.Window._fill

    def counted(window: json_window.Window) -> bool:
        more = fill(window)
        read.append(len(window._buffer))
        return more

    monkeypatch.setattr(json_window.Window, "_fill", counted)

    with pytest.raises(InputError, match="the file ends inside the array"):
        rows_of(json_file, '[{"a": "' + "x" * 1_000_000)
    assert max(read) < 50_000
