"""External ids and columns: what spreadsheets did to ids, and columns that are not there."""

from typing import Any

import pytest

from core.errors import InputError
from tests.support.make import read_records, rejected, ticket_of


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        *(('="000123"', "000123"), ("'000123", "000123"), ("\t000123 ", "000123")),
        *(("20260301001.0", "20260301001"), (20260301001.0, "20260301001"), ("7.00", "7")),
        *(("1E5", "1E5"), ("12e34", "12e34"), ("123e4567", "123e4567"), ("2026.1", "2026.1")),
        *((2026030100000000123, "2026030100000000123"), ("=1+1", "=1+1"), ("#12", "#12")),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_did_to_an_id_is_undone(value: Any, kept: str) -> None:
    assert ticket_of({"external_id": value, "text": "漏水"}).external_id == kept


@pytest.mark.parametrize(
    "value",
    [
        *("2.02603E+15", "2.02603e+15", "2,02603E+15"),
        *("1E+15", "2.0260301001E10", '="2.02603E+15"'),
        *("2026030100000001.0", 2.02603e15, 2.02603010000001e17, "########", "#REF!", "#NAME?"),
    ],
)  # fmt: skip
def test_an_id_that_lost_its_digits_is_refused_with_the_cure(value: Any) -> None:
    refused = rejected({"external_id": value, "text": "漏水"})

    assert refused.field == "external_id"
    assert "the format 'text'" in refused.reason


def test_an_id_that_stands_for_none_is_made_from_the_text() -> None:
    rows = [{"external_id": blank, "text": "漏水"} for blank in ("", "NULL", "-", "#N/A", "无")]

    ids = [ticket.external_id for ticket in read_records(*rows)]  # type: ignore[union-attr]

    assert ids == [ids[0], *(f"{ids[0]}-{n}" for n in range(2, 6))]


def test_names_that_stand_for_none_are_none() -> None:
    ticket = ticket_of({"text": "漏水", "district": "NULL", "source": "N/A", "unit": "无"})

    assert (ticket.district, ticket.source) == (None, "file")
    assert ticket.unit == "无"  # a unit may be called so: the taxonomy knows


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"text": "诉求内容"}, "no column '诉求内容' among '编号', '诉求.内客'"),
        ({"text": "诉求内容"}, "--column text=诉求内容: did you mean '诉求.内客'"),
        (
            {"text": "诉求 内客", "external_id": "工单编号"},
            "--column external_id=工单编号: did you mean '编号'",
        ),
        ({"text": "诉求 内客", "due_at": "zzz"}, "no column 'zzz' among '编号', '诉求.内客'"),
    ],
)  # fmt: skip
def test_a_named_column_that_is_not_there_is_refused(columns: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_records({"编号": "1", "诉求 内客": "漏水"}, columns=columns)


def test_a_named_column_may_stand_in_a_later_row_of_json() -> None:
    rows = [{"text": f"漏水{n}"} for n in range(99)] + [{"text": "停电", "期限": "2026-03-01"}]

    *_, last = read_records(*rows, columns={"due_at": "期限"})

    assert last.due_at is not None  # type: ignore[union-attr]
    with pytest.raises(InputError, match="in 100 rows"):
        read_records({"text": "路灯"}, *rows, columns={"due_at": "期限"})


def test_case_spaces_and_width_of_a_columns_name_do_not_count() -> None:
    row = {" External_ID": "7", "Ｔｅｘｔ": "漏水", "District ": "西湖区", "诉求类别 ": "噪声"}

    ticket = ticket_of(row, columns={"unit": "诉求类别"})

    assert (ticket.external_id, ticket.text, ticket.district) == ("7", "漏水", "西湖区")
    assert (ticket.unit, ticket.meta) == ("噪声", {})
