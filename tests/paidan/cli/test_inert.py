"""Formulas in exported tables are made inert, and reading the table again undoes exactly that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paidan.cli.inert import as_stored, is_formula, make_inert
from producer.files.rows import Row

DANGEROUS = [
    *("=1+1", "+86 路灯", "-12", "@城管局", "\t=x", "\r=x", "\n=x", "\tx", " =1", "\u3000=1"),
    *(
        "＝1+1",
        "＋86",
        "－1",
        "＠甲",
        "﹣1",
        "−1",
        '"=1',
        '" =1',
        "'=x",
        "''=x",
        "\u200b=1",
        "\ufeff=1",
    ),
]
HARMLESS = [
    "",
    "路灯",
    "1+1",
    "1-2",
    "a=b",
    "'引号'",
    "''",
    " 路灯",
    "3.5",
    "[-1]",
    "a\t=b",
    "“路灯”",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert make_inert({"text": text}) == {"text": "'" + text, "escaped": "text"}


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay(text: str) -> None:
    assert make_inert({"text": text}) == {"text": text, "escaped": None}


def test_numbers_stay_numbers() -> None:
    assert make_inert({"confidence": -5, "round": 0, "degraded": False}) == {
        "confidence": -5,
        "round": 0,
        "degraded": False,
        "escaped": None,
    }


TEXT = st.text(st.one_of(st.sampled_from("'\"=+-@＝＋ \t\r\n路a"), st.characters()), max_size=6)


@given(TEXT, TEXT)
def test_what_was_exported_is_read_as_it_is_stored(external_id: str, text: str) -> None:
    stored = {"external_id": external_id, "text": text}

    written = make_inert(stored)

    assert as_stored(Row(2, written)).values == stored
    assert not any(
        is_formula(value) and not value.startswith("'")
        for name, value in written.items()
        if name in stored
    )


def test_a_table_of_somebody_else_keeps_its_apostrophes() -> None:
    row = Row(2, {"external_id": "'=x", "text": "'-1"})

    assert as_stored(row) is row
