"""Rows of delimited text: their columns, their lines, and a header that is none."""

from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.rows import Row
from tests.support.tables import rows_of


def test_csv_rows_carry_their_columns_and_lines(csv_file: Path) -> None:
    rows = rows_of(csv_file, "id, text \n1,路灯坏了\n2,水管漏水\n")

    assert rows == [
        Row(2, {"id": "1", "text": "路灯坏了"}),
        Row(3, {"id": "2", "text": "水管漏水"}),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,id,text\n1,一,2\n", "line 1: column 'text' stands twice, as columns 1 and 3"),
        ('id,"text\n1,一\n', "line 1: the header is not CSV"),
    ],
)
def test_a_csv_file_without_a_proper_header_is_refused(
    csv_file: Path, content: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(csv_file, content)
