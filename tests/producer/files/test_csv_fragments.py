"""Fragments that a line break in an unquoted text leaves are no tickets."""

from pathlib import Path

from tests.support.tables import (
    rows_of,
)


def test_a_line_break_inside_a_text_without_quotes_makes_no_tickets(csv_file: Path) -> None:
    content = (
        "external_id,text,district\nB1,路灯坏了,南区\nB2,水管漏\n水很久了\n急,北区\nB3,停水,南区\n"
    )

    whole, *pieces, after = rows_of(csv_file, content)

    assert (whole.values["external_id"], after.values["external_id"]) == ("B1", "B3")
    assert [piece.line for piece in pieces] == [3, 4, 5]
    assert all("a line break inside a text" in (piece.problem or "") for piece in pieces)


def test_a_sum_below_short_rows_costs_none_of_them(csv_file: Path) -> None:
    content = "external_id,text,district\nB1,路灯坏了,南区\nB2,漏水\n合计：2件\n"

    rows = rows_of(csv_file, content)

    assert [row.problem for row in rows] == [None, None, None]
