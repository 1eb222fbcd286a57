"""Rows of a file are read as units' returns."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from paidan.cli.decision_row import Decision
from paidan.cli.return_row import ReturnReader, ReturnRow
from producer.files.rows import Row

NAMED = Decision(2, "", "7", "甲局", exact=True)


def read(name: str, values: dict[str, Any], **columns: str) -> ReturnRow:
    return ReturnReader(Path(name), columns).read(Row(2, values))


def test_a_return_is_read_from_the_columns_that_hold_it() -> None:
    row = read(
        "t.csv",
        {"工单编号": "7", "退单单位": "甲局", "退单理由": " 不在辖区 "},
        external_id="工单编号",
        unit="退单单位",
        reason="退单理由",
    )

    assert (row.named.external_id, row.named.unit, row.reason) == ("7", "甲局", "不在辖区")
    assert row.problem is None
    assert read("t.csv", {"External ID": 1, "Unit": "A", "Reason": "x"}).problem is None


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (ReturnRow(Decision(2, "", "", "A", exact=True), "x"), "the external_id is missing"),
        (ReturnRow(Decision(2, "", "7", "", exact=True), "x"), "the unit that returns"),
        (ReturnRow(NAMED, ""), "the reason is missing"),
        (ReturnRow(NAMED, "长" * 2_001), "the reason has 2,001 characters, 2,000 at most"),
        (ReturnRow(NAMED, "a\0"), "the file is damaged"),
    ],
)
def test_what_cannot_be_entered_says_why(row: ReturnRow, told: str) -> None:
    assert told in str(row.problem)


def test_a_table_without_a_column_of_reasons_is_refused_and_a_json_object_is_not() -> None:
    with pytest.raises(InputError, match="no column 'reason' among 'external_id', 'unit'"):
        read("t.csv", {"external_id": "7", "unit": "A"})

    assert read("t.jsonl", {"external_id": "7", "unit": "A"}).reason == ""
