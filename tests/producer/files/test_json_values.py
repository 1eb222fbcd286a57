"""JSON values: numbers that are none, and what is wrong with a text."""

from typing import Any

import pytest

from producer.files.json_values import json_fault, new_decoder, row_of_value
from producer.files.rows import Row


def test_nan_and_infinity_are_null() -> None:
    assert new_decoder().decode('{"a": NaN, "b": -Infinity, "c": 1.5}') == {
        "a": None,
        "b": None,
        "c": 1.5,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{a}", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "limit"),
    ],
)
def test_a_fault_is_told_without_a_place(text: str, told: str) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        new_decoder().decode(text)

    assert told in json_fault(caught.value)
    assert "char " not in json_fault(caught.value)


@pytest.mark.parametrize(("value", "kind"), [([1], "list"), ("a", "str"), (None, "NoneType")])
def test_what_is_no_object_is_no_row(value: Any, kind: str) -> None:
    assert row_of_value(3, value) == Row(3, {}, f"a {kind} where an object is expected")
    assert row_of_value(3, {"a": 1}) == Row(3, {"a": 1})
