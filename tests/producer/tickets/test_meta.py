"""Meta: an object, kept as it is, that both databases hold."""

from datetime import date, time
from typing import Any

import pytest

from producer.tickets.meta import check_meta, read_meta
from producer.tickets.scalars import FieldError
from tests.support.make import rejected, ticket_of


def _nested(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "meta",
    [
        {"a": "\x00"},
        {"\x00": 1},
        {"a": [{"b": ["\ud800"]}]},
        {"\udcff": 1},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": _nested(100)},
    ],
    ids=["NUL", "NUL key", "surrogate", "surrogate key", "nan", "inf", "depth"],
)
@pytest.mark.parametrize("form", ["in meta", "as columns"])
def test_what_no_json_column_can_hold_is_refused(meta: dict[str, Any], form: str) -> None:
    refused = rejected({"text": "漏水", **({"meta": meta} if form == "in meta" else meta)})

    assert refused.field == "meta"


def test_meta_in_a_table_is_json() -> None:
    assert ticket_of({"text": "漏水", "meta": '{"楼": [3]}'}).meta == {"楼": [3]}


@pytest.mark.parametrize("meta", ["text", "[1]", "3", ["list"], 1, "[" * 100_000])
def test_meta_must_be_an_object(meta: Any) -> None:
    assert rejected({"text": "漏水", "meta": meta}).reason == "an object is expected"


def test_the_meta_object_is_kept_untouched_beside_the_extra_columns() -> None:
    meta = {"路径": ["a", {"b": None}], "n": 1.5, "blank": "  ", "": True, "seat": "own"}

    ticket = ticket_of({"text": "漏水", "meta": meta, "seat": "column", "tags": ["x"]})

    assert ticket.meta == {**meta, "tags": ["x"]}


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"a": object()}, "holds a object, which JSON has not"),
        ({1: "a"}, "a key is no text"),
        ({"a": list(range(10_001))}, "more than 10,000 values"),
        ({"a": "x" * 1_000_000, "b": ["y" * 1_000_001]}, "or 2,000,000 characters"),
        ({"a": _nested(50)}, "nested more than 50 levels deep"),
    ],
)
def test_meta_beyond_all_measure_is_refused(meta: dict[Any, Any], told: str) -> None:
    with pytest.raises(FieldError, match=told):
        check_meta(meta)


def test_meta_up_to_the_limits_is_taken() -> None:
    check_meta({"a": _nested(47), "b": ["x"] * 9_000, "c": "x" * 1_900_000})


def test_a_spreadsheets_dates_become_text_and_the_object_goes_first() -> None:
    rest = {"seen": date(2026, 3, 2), "at": time(9), "a": "column"}

    assert read_meta({"a": 1}, rest) == {"seen": "2026-03-02", "at": "09:00:00", "a": 1}
    assert read_meta(None, {}) == read_meta("", {}) == {}
