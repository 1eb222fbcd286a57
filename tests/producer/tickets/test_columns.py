"""Which column means which field, and whether the named ones are there."""

import pytest

from core.errors import InputError
from producer.files.rows import Row
from producer.tickets.columns import check_columns, column_names, columns_used, with_columns
from tests.support.make import read_records, ticket_of


def test_columns_are_mapped_and_the_rest_is_kept_in_meta() -> None:
    row = {"编号": "7", "内容": "漏水", "坐席": "王", "等级": None, "text": "not the text"}

    ticket = ticket_of(row, columns={"text": "内容", "external_id": "编号"})

    assert (ticket.external_id, ticket.text) == ("7", "漏水")
    assert ticket.meta == {"坐席": "王", "等级": None, "text": "not the text"}


def test_an_unknown_field_in_the_mapping_is_refused_with_the_known_ones() -> None:
    check_columns({"text": "内容"})

    with pytest.raises(
        InputError, match=r"no field 'body'; fields: source, external_id, title, text"
    ):
        check_columns({"body": "内容"})


def test_a_file_without_a_text_column_is_refused_as_a_whole() -> None:
    with pytest.raises(InputError, match=r"line 2: no column 'text' among 'id', 'body'.*--column"):
        read_records({"id": "1", "body": "漏水"})


def test_a_column_that_is_in_none_of_the_rows_is_offered_one_alike() -> None:
    rows = [Row(n, {"编号": str(n), "诉求内容": "漏水"}) for n in range(2, 200)]

    message = r"in 100 rows.*--column text=诉求的内容: did you mean '诉求内容'"
    with pytest.raises(InputError, match=message):
        list(with_columns(rows, {"text": "诉求的内容"}))


def test_a_column_that_some_of_the_first_rows_have_is_there() -> None:
    rows = [Row(2, {}, "broken"), Row(3, {"text": "a"}), Row(4, {"text": "b", "地点": "c"})]

    assert list(with_columns(iter(rows), {"district": "地点"})) == rows


def test_the_articles_columns_stand_for_text_and_unit_where_no_text_is_there() -> None:
    article = column_names(["Question", "Complex_CoT", "Response"], {})
    both = column_names(["Question", "Response", " TEXT "], {})

    assert (article["text"], article["unit"]) == ("Question", "Response")
    assert (both["text"], both["unit"]) == (" TEXT ", "unit")


def test_columns_used_are_the_fields_but_for_those_mapped() -> None:
    used = columns_used({"text": "内容"})

    assert {"内容", "external_id", "unit", "Response"} <= used
    assert not {"text", "Question"} & used
