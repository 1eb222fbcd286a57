"""The values of a row: what is taken, in which forms, and what is refused and why."""

import json
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from db import Database, tickets
from db.models import Ticket
from db.tickets import NewTicket
from producer.files.rows import Row
from producer.tickets.options import ReadOptions
from producer.tickets.reader import read_tickets
from tests.support.make import rejected, ticket_of

NESTED: Any = json.loads("[" * 40 + '"bottom"' + "]" * 40)


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


def test_whatever_is_accepted_the_database_takes_and_gives_back(database: Database) -> None:
    row = {
        "external_id": "名" * 200,
        "text": "长" * 50_000,
        "meta": {"n": 10**400, "deep": NESTED, "f": 0.5, "t": "\u2028'\"\\\x01\U0010ffff"},
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


def test_what_a_spreadsheet_or_nobody_could_read_is_stored(database: Database) -> None:
    row = {"text": "漏水", "due_at": datetime(2026, 3, 1), "seen": date(2026, 3, 2), "at": time(9)}  # noqa: DTZ001
    [(_, ticket), (_, unread)] = read_tickets(
        [Row(2, row), Row(3, {"text": "x", "received_at": 3})], ReadOptions()
    )
    assert isinstance(ticket, NewTicket)
    assert isinstance(unread, NewTicket)

    with database.writing() as session:
        ids = tickets.insert(session, [ticket, unread]).all_ids

    with database.reading() as session:
        stored, odd = (session.get_one(Ticket, number) for number in ids)
    assert stored.due_at == datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=8)))
    assert stored.meta == {"seen": "2026-03-02", "at": "09:00:00"}
    assert (odd.received_at, odd.meta) == (None, {"received_at": 3})
