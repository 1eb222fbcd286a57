"""Where the header stands: titles above it are left out."""

from pathlib import Path

import pytest

from producer.files.header import ABOVE_NOTE
from tests.support.tables import (
    rows_of,
)


@pytest.mark.parametrize(
    "top",
    [
        "2026年3月热线工单导出表,,,\n",
        "热线工单导出表\n导出时间：2026-03-01\n\n",
        '"工单导出表\n第二行"\n',
    ],
    ids=["title", "two lines", "title over two lines"],
)
def test_titles_above_the_header_are_left_out_with_a_note(csv_file: Path, top: str) -> None:
    content = top + "external_id,text,district,备注\nE1,路灯坏了,南区,\nE2,漏水,北区,\n"

    first, second = rows_of(csv_file, content)

    assert first.values["text"] == "路灯坏了"
    assert (first.notes, second.notes) == ((ABOVE_NOTE,), ())
    assert first.line == top.count("\n") + 2


def test_a_mapped_column_finds_the_header_too(csv_file: Path) -> None:
    content = "某市某区导出\n流水,说了什么,哪里\nA1,漏水,南区\n"

    [row] = rows_of(csv_file, content, used=("说了什么", "流水"))

    assert row.values == {"流水": "A1", "说了什么": "漏水", "哪里": "南区"}


def test_a_first_row_is_never_taken_for_a_title_where_it_may_be_the_header(csv_file: Path) -> None:
    [row] = rows_of(csv_file, "诉求,,\n漏水,南区,text\n", used=("诉求",))

    assert row.problem is not None  # three fields where one column has a name
    assert row.line == 2
