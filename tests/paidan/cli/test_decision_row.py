"""Rows of a file are read as people's decisions."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from paidan.cli.decision_row import Decision, DecisionReader
from producer.files.rows import Row


def read(name: str, values: dict[str, Any], **columns: str) -> Decision:
    return DecisionReader(Path(name), columns).read(Row(2, values))


def test_a_decision_is_read_from_the_columns_that_hold_it() -> None:
    decision = read(
        "t.csv", {"编号": " 7 ", "unit": "甲局", "source": "hotline"}, external_id="编号"
    )

    assert decision == Decision(2, "hotline", "7", "甲局", exact=False)
    assert decision.problem is None


def test_ids_stand_as_they_are_stored_in_json_and_in_an_export() -> None:
    assert read("t.jsonl", {"external_id": 7, "unit": "A"}).exact
    assert read("t.csv", {"external_id": "7", "unit": "A", "escaped": ""}).exact


@pytest.mark.parametrize(
    ("external_id", "unit", "told"),
    [("", "A", "external_id is missing"), ("a\0", "A", "damaged"), ("a", "\ud800", "damaged")],
)
def test_what_cannot_be_entered_says_why(external_id: str, unit: str, told: str) -> None:
    assert told in str(Decision(2, "", external_id, unit, exact=True).problem)


def test_a_table_without_ids_or_units_is_refused_and_a_later_json_object_is_not() -> None:
    with pytest.raises(InputError, match="no column 'external_id' among 'unit'"):
        read("t.csv", {"unit": "A"})
    with pytest.raises(InputError, match="no column 'unit' among 'external_id'"):
        read("t.csv", {"external_id": "7"})

    reader = DecisionReader(Path("t.jsonl"), {})
    reader.read(Row(1, {"external_id": "7", "unit": "A"}))
    assert reader.read(Row(2, {"note": "x"})).external_id == ""
    reader.check_units()


def test_a_json_file_in_which_nobody_could_have_named_a_unit_is_refused() -> None:
    reader = DecisionReader(Path("t.json"), {})
    reader.read(Row(1, {"external_id": "7"}))

    with pytest.raises(InputError, match="no column 'unit'"):
        reader.check_units()
