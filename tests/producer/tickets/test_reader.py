"""From rows to tickets: which columns mean what, what is refused and why."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from db.tickets import NewTicket
from producer.files.reader import read_rows
from producer.tickets.options import ReadOptions
from producer.tickets.reader import read_tickets
from tests.support.make import ticket_of

SHANGHAI = timezone(timedelta(hours=8))


def test_every_field_of_our_schema_is_read() -> None:
    row = {
        "external_id": " 001 ",
        "title": "路灯",
        "text": " 路灯坏了\n",
        "received_at": "2026-03-01T09:30:00+08:00",
        "lane": "live",
        "priority": "2",
        "due_at": "2026-03-02T00:00:00Z",
        "district": "西湖区",
        "unit": "城管局",
        "meta": {"channel": "phone"},
    }

    assert ticket_of(row, source="12345") == NewTicket(
        source="12345",
        external_id="001",
        title="路灯",
        text="路灯坏了",
        received_at=datetime(2026, 3, 1, 9, 30, tzinfo=SHANGHAI),
        lane="live",
        priority=2,
        due_at=datetime(2026, 3, 2, tzinfo=UTC),
        district="西湖区",
        unit="城管局",
        meta={"channel": "phone"},
    )


def test_the_articles_schema_is_read_and_its_thought_stays_out_of_the_text() -> None:
    row = {"Question": "路灯坏了", "Complex_CoT": "这是照明问题", "Response": "城管局"}

    ticket = ticket_of(row)

    assert (ticket.text, ticket.title, ticket.unit) == ("路灯坏了", None, "城管局")
    assert ticket.meta == {"Complex_CoT": "这是照明问题"}


@pytest.mark.parametrize(
    "row", [{"text": "路灯坏了", "unit": "城管局"}, {"Question": "路灯坏了", "Response": "城管局"}]
)
def test_the_label_reaches_no_field_a_model_sees(row: dict[str, str]) -> None:
    ticket = ticket_of(row)

    assert ticket.unit == "城管局"
    assert "城管局" not in f"{ticket.title} {ticket.text} {ticket.meta} {ticket.external_id}"


@pytest.mark.parametrize(("value", "stored"), [(7, "7"), (0, "0"), (20260301001, "20260301001")])
def test_numbers_are_ids(value: Any, stored: str) -> None:
    assert ticket_of({"external_id": value, "text": "漏水"}).external_id == stored


def _ids(path: Path) -> list[str]:
    found = [ticket for _, ticket in read_tickets(read_rows(path), ReadOptions())]
    return [t.external_id if isinstance(t, NewTicket) else t.field for t in found]


def test_ids_made_from_the_text_are_the_same_at_each_reading(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("title,text,n\n,漏水,1\n,停电,2\n,漏水,3\n小区,漏水,4\n,,5\n,漏水,6\n")

    first, second = _ids(path), _ids(path)

    assert first == second
    water, power, water_2, titled, blank, water_3 = first
    assert (water_2, water_3) == (f"{water}-2", f"{water}-3")
    assert blank == "text"
    assert len({water, power, titled}) == 3
