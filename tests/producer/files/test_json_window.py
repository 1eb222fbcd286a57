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
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
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
