"""The report: counts of what is where, and one exported row a ticket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from db import Database, claims, corrections, report, results
from db.claims import Budget
from db.models import Classification, ModelVersion, Ticket
from db.report import EXPORT_COLUMNS
from db.results import Result
from tests.make import UNITS, add_tickets, add_units, claim_batch, let_wait, new_ticket, utc_now

EMPTY: dict[str, dict[str, int]] = {"queued": {}, "routed": {}, "review": {}, "dead": {}}


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    with database.writing() as session:
        session.add_all(
            ModelVersion(name=name, kind="constant", manifest_sha256="0" * 64) for name in "vw"
        )


def claim(database: Database, count: int) -> claims.Claim:
    return claim_batch(database, budget=Budget(tokens=100_000, tickets=count))


def answer_next(
    database: Database, unit: str, held_back: str | None = None, version: str = "v"
) -> int:
    """Answer the ticket that is next in the queue; return it."""
    held = claim(database, 1)
    [ticket] = held.tickets
    top_k = [(unit, 0.75), ("C", 0.2)]
    answer = Result(ticket.id, ticket.round, unit, 0.7500000001, top_k, held_back)
    with database.writing() as session:
        results.store(session, held.token, [answer], version=version)
    return ticket.id


def kill_next(database: Database) -> int:
    held = claim(database, 1)
    with database.writing() as session:
        [dead] = claims.fail(session, held.token, held.ids, reason="poison", max_attempts=1)
    return dead


def correct(database: Database, ticket: int, unit: str) -> None:
    with database.writing() as session:
        corrections.decide(session, session.get_one(Ticket, ticket), unit, actor="li")


def export(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        return list(report.export_rows(session))


def overview(database: Database) -> report.Overview:
    with database.reading() as session:
        return report.overview(session)


def test_an_empty_record_counts_nothing(database: Database) -> None:
    assert overview(database) == report.Overview(EMPTY, None, 0, 0, 0)
    assert export(database) == []


def test_tickets_are_counted_by_status_and_lane(database: Database) -> None:
    add_tickets(database, 6)
    with database.writing() as session:
        report_ids = list(session.scalars(select(Ticket.id).order_by(Ticket.id)))
        session.execute(update(Ticket).where(Ticket.id == report_ids[-1]).values(lane="live"))
    answer_next(database, "A")  # the live one first
    corrected = answer_next(database, "A", "doubtful")
    answer_next(database, "B", "doubtful")
    kill_next(database)
    claim(database, 1)
    correct(database, corrected, "C")

    view = overview(database)

    assert view.by_status == {
        "queued": {"bulk": 2},
        "routed": {"live": 1, "bulk": 1},
        "review": {"bulk": 1},
        "dead": {"bulk": 1},
    }
    assert (view.claimed, view.classified_last_minute, view.corrections) == (1, 3, 1)


def test_only_answers_of_the_last_minute_count_for_the_rate(database: Database) -> None:
    add_tickets(database, 2)
    old = answer_next(database, "A")
    answer_next(database, "A")
    with database.writing() as session:
        session.execute(
            update(Classification)
            .where(Classification.ticket_id == old)
            .values(classified_at=utc_now() - timedelta(seconds=61))
        )

    assert overview(database).classified_last_minute == 1


def test_the_oldest_queued_ticket_is_the_longest_waiting_one(database: Database) -> None:
    add_tickets(database, 1)
    let_wait(database, 60)
    answer_next(database, "A")  # the oldest of all, but no longer queued
    add_tickets(database, 2)

    oldest = overview(database).oldest_queued_s

    assert oldest is not None
    assert 0 <= oldest < 50


def test_each_state_of_a_ticket_is_exported(database: Database) -> None:
    add_tickets(database, 5)
    answer_next(database, "A")
    answer_next(database, "B", "doubtful")
    kill_next(database)
    corrected = answer_next(database, "B", "doubtful")
    correct(database, corrected, "A")

    rows = {row["external_id"]: row for row in export(database)}

    shown = ("status", "predicted_unit", "held_back", "final_unit", "model", "dead_reason")
    assert {name: tuple(row[column] for column in shown) for name, row in rows.items()} == {
        "t1": ("routed", UNITS["A"], None, UNITS["A"], "v", None),
        "t2": ("review", UNITS["B"], "doubtful", None, "v", None),
        "t3": ("dead", None, None, None, None, "1 attempts: poison"),
        "t4": ("routed", UNITS["B"], "doubtful", UNITS["A"], "v", None),
        "t5": ("queued", None, None, None, None, None),
    }
    assert all(tuple(row) == EXPORT_COLUMNS for row in rows.values())
    assert rows["t1"]["confidence"] == 0.75
    assert rows["t1"]["top_k"] == [[UNITS["A"], 0.75], [UNITS["C"], 0.2]]
    assert (rows["t5"]["confidence"], rows["t5"]["top_k"]) == (None, None)


def test_what_came_in_is_exported_as_it_came(database: Database) -> None:
    received = datetime(2026, 3, 1, 1, 30, 0, 500_000, tzinfo=UTC)
    ticket = new_ticket(
        1, source="12345", title="题", lane="live", unit="城管", received_at=received
    )
    values = {name: getattr(ticket, name) for name in ("source", "title", "lane", "unit")}
    add_tickets(database, 1, **values, received_at=received)

    [row] = export(database)

    assert {key: row[key] for key in ("source", "external_id", "title", "text", "lane")} == {
        "source": "12345",
        "external_id": "t1",
        "title": "题",
        "text": ticket.text,
        "lane": "live",
    }
    assert (row["given_unit"], row["round"]) == ("城管", 0)
    assert row["received_at"] == "2026-03-01T01:30:00.500+00:00"
    assert datetime.fromisoformat(row["submitted_at"]).tzinfo is not None
    assert (row["classified_at"], row["decided_at"]) == (None, None)


def _answer_again(database: Database, unit: str, version: str, round_: int = 0) -> None:
    with database.writing() as session:
        session.execute(update(Ticket).values(status="queued", unit_code=None, round=round_))
    answer_next(database, unit, "doubtful", version)


def test_the_newest_answer_is_exported_when_two_versions_answered(database: Database) -> None:
    add_tickets(database, 1)
    answer_next(database, "A", "doubtful", "v")
    _answer_again(database, "B", "w")
    assert [export(database)[0][key] for key in ("model", "predicted_unit")] == ["w", UNITS["B"]]

    _answer_again(database, "C", "v")  # replaces its own row, the older of the two

    [row] = export(database)
    assert (row["model"], row["predicted_unit"]) == ("v", UNITS["C"])


def test_an_answer_of_an_earlier_round_is_not_exported(database: Database) -> None:
    add_tickets(database, 1)
    answer_next(database, "A")
    with database.writing() as session:
        session.execute(update(Ticket).values(status="queued", unit_code=None, round=1))

    [row] = export(database)
    assert (row["round"], row["model"], row["predicted_unit"]) == (1, None, None)

    _answer_again(database, "B", "v", round_=1)
    assert export(database)[0]["predicted_unit"] == UNITS["B"]


def test_an_export_of_several_chunks_has_each_ticket_once_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_EXPORT_CHUNK", 10)
    expected = [f"t{n}" for n in range(1, 41)]  # the last chunk is full
    add_tickets(database, 40)

    assert [row["external_id"] for row in export(database)] == expected


def test_an_export_goes_beyond_one_chunk(database: Database) -> None:
    add_tickets(database, 2100)

    assert len({row["external_id"] for row in export(database)}) == 2100


def test_closed_tickets_are_found_among_more_ids_than_a_statement_takes(
    database: Database,
) -> None:
    add_tickets(database, 3)
    routed = answer_next(database, "A")
    dead = kill_next(database)

    with database.reading() as session:
        found = report.closed_among(session, [*range(1_000_000, 1_035_000), routed, dead])

    assert found == {routed: "routed", dead: "dead"}


def test_dead_tickets_are_listed_oldest_first_and_found_by_external_id(
    database: Database,
) -> None:
    add_tickets(database, 3)
    first, second = kill_next(database), kill_next(database)

    with database.reading() as session:
        assert [t.id for t in report.dead_tickets(session, limit=9)] == [first, second]
        assert [t.id for t in report.dead_tickets(session, limit=1)] == [first]
        assert report.dead_ids(session, "file", ["t2", "t3"]) == [second]
        assert report.dead_ids(session, "12345", ["t2"]) == []
