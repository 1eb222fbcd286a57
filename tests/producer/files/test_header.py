"""The header: which names it has, and rows of another length."""

from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.header import SHORT_NOTE
from producer.files.rows import Row
from tests.support.tables import (
    HEADER,
    rows_of,
)


def test_a_row_with_too_many_fields_is_reported_and_the_rest_is_read(csv_file: Path) -> None:
    before, wrong, after = rows_of(csv_file, f"{HEADER}1,一\n2,多,一\n3,三\n")

    assert (before.line, wrong.line, after.line) == (2, 3, 4)
    assert after.values == {"external_id": "3", "text": "三"}
    assert wrong.problem is not None
    assert "3 fields where the header has 2" in wrong.problem


@pytest.mark.parametrize(
    ("content", "values", "line"),
    [
        ("external_id,text,,\n1,漏水,,\n", {"external_id": "1", "text": "漏水"}, 2),
        ("\n ,\nexternal_id,text\n1,漏水\n", {"external_id": "1", "text": "漏水"}, 4),
        (
            "text,备注,备注\n漏水,a,b\n",
            {"text": "漏水", "备注": "a", "备注 (2)": "b"},
            2,
        ),
        (",text\n0,漏水\n", {"column 1": "0", "text": "漏水"}, 2),
        (" External_ID , Text \n1,漏水\n", {"External_ID": "1", "Text": "漏水"}, 2),
    ],
    ids=["trailing nameless", "blank lines above", "unused double", "index", "spaces and case"],
)
def test_headers_of_ordinary_exports_are_taken(
    csv_file: Path, content: str, values: dict[str, str], line: int
) -> None:
    assert rows_of(csv_file, content) == [Row(line, values)]


def test_short_rows_are_filled_up_with_a_note(csv_file: Path) -> None:
    content = "external_id,text,district,备注\nB1,路灯坏了,南区,已联系\nB2,井盖丢了\nB3,漏水,北区\n"

    rows = rows_of(csv_file, content)

    assert [row.values["district"] for row in rows] == ["南区", "", "北区"]
    assert [row.notes for row in rows] == [(), (SHORT_NOTE,), (SHORT_NOTE,)]
    assert all(row.problem is None for row in rows)


def test_extra_fields_are_taken_where_they_are_empty_and_else_refused(csv_file: Path) -> None:
    empty, full, named = rows_of(csv_file, f"{HEADER}1,一,,\n2,多,一\n3,三\n")

    assert (empty.values, empty.problem) == ({"external_id": "1", "text": "一"}, None)
    assert full.line == 3
    assert full.problem is not None
    assert "3 fields where the header has 2" in full.problem
    assert named.values["text"] == "三"


def test_a_used_column_that_stands_twice_is_refused_with_both_places(csv_file: Path) -> None:
    message = "line 1: column 'text' stands twice, as columns 2 and 4"
    with pytest.raises(InputError, match=message):
        rows_of(csv_file, "id,text,备注, Text\n1,一,a,二\n")


def test_a_header_that_stands_again_is_no_ticket(csv_file: Path) -> None:
    rows = rows_of(csv_file, f"{HEADER}1,一\n{HEADER}2,二\n")

    assert [row.values["text"] for row in rows] == ["一", "二"]
