"""The values of a row: what is taken, in which forms, and what is refused and why."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from db import Database, tickets
from db.models import Ticket
from db.tickets import NewTicket
from tests.support.make import read_records, rejected, ticket_of

SHANGHAI = timezone(timedelta(hours=8))


@pytest.mark.parametrize("blank", ["", "   ", "\n\t\u3000\u00a0", None])
def test_a_blank_text_is_refused(blank: str | None) -> None:
    refused = rejected({"external_id": "1", "text": blank})

    assert (refused.line, refused.field) == (2, "text")
    assert refused.reason == "the text is missing or blank"


def test_a_title_stands_in_for_a_blank_text() -> None:
    assert ticket_of({"title": "漏水", "text": " "}).text == "漏水"


@pytest.mark.parametrize("text", ["😡😡😡", "👨‍👩‍👧", "?", "0"])
def test_texts_of_a_few_signs_are_tickets(text: str) -> None:
    assert ticket_of({"text": text}).text == text


def test_a_ticket_of_a_megabyte_is_refused_with_field_and_reason() -> None:
    refused = rejected({"external_id": "1", "text": "长" * 1_000_000})

    assert refused.field == "text"
    assert refused.reason == "1,000,000 characters; at most 50,000 are taken"


def test_the_length_limit_is_the_readings_and_exact() -> None:
    assert ticket_of({"text": "x" * 100}, max_chars=100).text == "x" * 100
    assert rejected({"text": "x" * 101}, max_chars=100).field == "text"
    assert rejected({"title": "x" * 101, "text": "漏水"}, max_chars=100).field == "title"


@pytest.mark.parametrize("field", ["external_id", "district", "unit"])
def test_names_have_at_most_200_characters(field: str) -> None:
    assert getattr(ticket_of({"text": "漏水", field: "名" * 200}), field) == "名" * 200
    assert rejected({"text": "漏水", field: "名" * 201}).field == field


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("漏\x00水", "NUL"),
        ("漏水\x00", "NUL"),
        ("漏\ud83d水", "half a surrogate pair"),
        ("\udfff", "half a surrogate pair"),
        (["漏水"], "a list where text is expected"),
        ({"a": 1}, "a dict where text is expected"),
        (True, "a bool where text is expected"),
        (float("nan"), "holds nan"),
        (float("-inf"), "holds -inf"),
    ],
)
@pytest.mark.parametrize("field", ["text", "title", "external_id", "unit"])
def test_what_no_text_column_can_hold_is_refused(field: str, value: Any, reason: str) -> None:
    refused = rejected({"text": "漏水", field: value})

    assert refused.field == field
    assert reason in refused.reason


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


def test_whatever_is_accepted_the_database_takes_and_gives_back(database: Database) -> None:
    row = {
        "external_id": "名" * 200,
        "text": "长" * 50_000,
        "meta": {"n": 10**400, "deep": _nested(40), "f": 0.5, "t": "\u2028'\"\\\x01\U0010ffff"},
        "due_at": "9998-12-31T23:59:59-12:00",
        "received_at": "1900-01-01",
    }
    ticket = ticket_of(row, source="名" * 100)

    with database.writing() as session:
        [row_id] = tickets.insert(session, [ticket]).all_ids

    with database.reading() as session:
        stored = session.get_one(Ticket, row_id)
    assert (stored.text, stored.meta, stored.external_id) == (ticket.text, ticket.meta, "名" * 200)
    assert (stored.received_at, stored.due_at) == (ticket.received_at, ticket.due_at)


def test_a_time_without_zone_is_of_the_readings_zone() -> None:
    row = {"text": "漏水", "received_at": "2026/3/1"}

    assert ticket_of(row, timezone="UTC").received_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert ticket_of(row).received_at == datetime(2026, 3, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("lane", "fast", "'fast' is no lane; lanes are live and bulk"),
        ("lane", 1, "'1' is no lane"),
        ("priority", "0", "'0' is none of 1 (urgent) to 5 (can wait)"),
        ("priority", 6, "'6' is none of"),
        ("priority", "gold", "'gold' is none of"),
        ("priority", "1.5", "'1.5' is none of"),
        ("priority", "P", "'P' is none of"),
        ("priority", "12", "'12' is none of"),
        ("priority", True, "a bool where text is expected"),
    ],
)
def test_bad_values_are_refused_with_field_and_reason(field: str, value: Any, reason: str) -> None:
    refused = rejected({"text": "漏水", field: value})

    assert refused.field == field
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(("1", 1), (5, 5), ("P2", 2), ("p4", 4), ("", 3), ("1.0", 1), (2.0, 2), ("Ｐ１", 1)),
        *(("特急", 1), ("紧急", 1), ("高", 2), ("中", 3), ("普通", 3), ("一般", 3), ("低", 4)),
        *(("Urgent", 1), ("HIGH", 2), (" normal ", 3), ("Medium", 3), ("low", 4), ("NULL", 3)),
    ],
)
def test_priorities_are_numbers_or_words(value: Any, number: int) -> None:
    assert ticket_of({"text": "漏水", "priority": value}).priority == number


def test_the_lane_is_the_rows_own_or_the_readings() -> None:
    first, second = read_records(
        {"text": "一", "lane": "live"}, {"text": "二", "lane": ""}, lane="bulk"
    )

    assert isinstance(first, NewTicket)
    assert isinstance(second, NewTicket)
    assert (first.lane, second.lane) == ("live", "bulk")
