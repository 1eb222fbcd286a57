"""JSON lines: a broken line costs no other."""

from pathlib import Path

import pytest

from producer.files.rows import Row
from tests.support.tables import (
    rows_of,
)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_jsonl_goes_on_behind_broken_lines(jsonl_file: Path, ending: str) -> None:
    lines = ['{"text": "一"}', "{broken", "", "[1]", '"just text"', '{"text": "\u2028二"}']

    rows = rows_of(jsonl_file, ending.join(lines))

    assert [row.line for row in rows] == [1, 2, 4, 5, 6]
    assert [row.values for row in rows] == [{"text": "一"}, {}, {}, {}, {"text": "\u2028二"}]
    problems = [row.problem or "" for row in rows]
    assert [problem[:8] for problem in problems] == ["", "not JSON", "a list w", "a str wh", ""]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "integer string conversion"),
    ],
    ids=["nesting", "number"],
)
def test_jsonl_goes_on_behind_what_python_cannot_decode(
    jsonl_file: Path, line: str, reason: str
) -> None:
    first, second = rows_of(jsonl_file, f'{line}\n{{"text": "二"}}\n')

    assert first.problem is not None
    assert reason in first.problem
    assert second == Row(2, {"text": "二"})
