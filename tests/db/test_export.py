"""The export: one row a ticket, page by page, whatever happens between two pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from core.errors import InputError
from db import Database, calibrations, taxonomy, tickets
from db import export as db_export
from db.export import Wanted, export_rows
from db.export_row import EXPORT_COLUMNS
from db.models import Classification, Ticket
from tests.support.answers import add_version, answer_next, correct, kill_next
from tests.support.make import UNITS, add_tickets, add_units, new_ticket


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v", "w")


def export(database: Database, **wanted: Any) -> list[dict[str, Any]]:
    return list(export_rows(database, Wanted(**wanted)))


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
    assert (rows["t1"]["set_90"], rows["t1"]["set_95"]) == ([UNITS["A"]], [UNITS["A"], UNITS["C"]])
    assert [rows["t5"][name] for name in ("confidence", "top_k", "set_90")] == [None] * 3


def test_a_sampled_ticket_shows_its_answer_only_once_a_person_has_decided(
    database: Database,
) -> None:
    add_tickets(database, 1)
    ticket = answer_next(database, "A", "sample")
    hidden = ("predicted_unit", "confidence", "top_k", "set_90", "set_95")

    [blind] = export(database)
    correct(database, ticket, "B")
    [decided] = export(database)

    assert [blind[column] for column in hidden] == [None] * 5
    assert (blind["status"], blind["held_back"], blind["model"]) == ("review", "sample", "v")
    assert (decided["predicted_unit"], decided["final_unit"]) == (UNITS["A"], UNITS["B"])


def test_an_answer_is_exported_with_the_calibration_it_was_decided_by(database: Database) -> None:
    add_tickets(database, 2)
    answer_next(database, "A")
    recalibrated = answer_next(database, "A")
    with database.writing() as session:
        calibration = calibrations.put(session, "v", {}, {}, actor="li").now
        changed = update(Classification).where(Classification.ticket_id == recalibrated)
        session.execute(changed.values(calibration_id=calibration))

    assert [row["calibration"] for row in export(database)] == [None, calibration]


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
    assert row["received_at"] == received
    assert row["submitted_at"].tzinfo is not None
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


def test_an_export_of_several_pages_has_each_ticket_once_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_export, "_PAGE_TICKETS", 10)
    expected = [f"t{n}" for n in range(1, 41)]  # the last page is full
    add_tickets(database, 40)

    assert [row["external_id"] for row in export(database)] == expected


def test_an_export_without_tickets_has_no_row(database: Database) -> None:
    assert export(database) == []


def test_an_export_goes_beyond_one_page(database: Database) -> None:
    add_tickets(database, 2100)

    assert len({row["external_id"] for row in export(database)}) == 2100


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_export, "_PAGE_TICKETS", 2)


@pytest.mark.usefixtures("small_pages")
def test_rows_that_change_between_pages_come_once_as_they_are_then(database: Database) -> None:
    add_tickets(database, 5)
    rows = export_rows(database)
    first = next(rows)

    with database.writing() as session:
        session.execute(update(Ticket).values(unit_code="A", status="routed"))
        late = new_ticket(6)
        tickets.insert(session, [late])
    rest = list(rows)

    assert [row["external_id"] for row in (first, *rest)] == ["t1", "t2", "t3", "t4", "t5"]
    assert [row["status"] for row in (first, *rest)] == ["queued"] * 2 + ["routed"] * 3


@pytest.mark.usefixtures("small_pages")
def test_a_page_without_wanted_tickets_does_not_end_the_export(database: Database) -> None:
    ids = add_tickets(database, 9)
    with database.writing() as session:
        session.execute(update(Ticket).where(Ticket.id.in_(ids[6:])).values(status="review"))

    assert [row["external_id"] for row in export(database, statuses=("review",))] == [
        "t7",
        "t8",
        "t9",
    ]


def test_the_export_says_who_decided(database: Database) -> None:
    add_tickets(database, 4)
    answer_next(database, "A")
    corrected = answer_next(database, "A")
    reviewed = answer_next(database, "B", "doubtful")
    correct(database, corrected, "C")
    correct(database, reviewed, "B", actor="zhang")
    correct(database, reviewed, "A", actor="wang")

    rows = export(database)

    assert [row["decided_by"] for row in rows] == ["model", "li", "wang", None]
    assert [row["asked"] for row in rows] == [None, "routed", "doubtful", None]
    assert [row["unit"] for row in rows] == [None] * 4


def test_a_decision_of_an_earlier_round_is_not_whose_the_present_one_is(
    database: Database,
) -> None:
    [ticket] = add_tickets(database, 1)
    correct(database, ticket, "B")
    with database.writing() as session:
        session.execute(update(Ticket).values(round=1, unit_code=None, status="queued"))
    assert export(database)[0]["decided_by"] is None

    answer_next(database, "A")

    assert export(database)[0]["decided_by"] == "model"


@pytest.fixture
def varied(database: Database) -> None:
    """Five tickets: routed to A, review (B), review (C, sampled), corrected to C, queued."""
    for number, source in enumerate(("crm", "crm", "12345", "12345", "app"), 1):
        with database.writing() as session:
            tickets.insert(session, [new_ticket(number, source=source)])
    answer_next(database, "A")
    answer_next(database, "B", "doubtful")
    answer_next(database, "C", "sample")
    correct(database, answer_next(database, "B", "doubtful"), "C")
    with database.writing() as session:
        for number, ticket in enumerate(session.scalars(select(Ticket).order_by(Ticket.id)), 1):
            ticket.submitted_at = datetime(2026, 3, number, tzinfo=UTC)


@pytest.mark.usefixtures("varied")
def test_a_filter_keeps_the_tickets_it_names(database: Database) -> None:
    fourth = datetime(2026, 3, 4, tzinfo=UTC)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"statuses": ("review",)}, "t2 t3"),
        ({"statuses": ("review", "queued")}, "t2 t3 t5"),
        ({"sources": ("crm", "app")}, "t1 t2 t5"),
        ({"since": fourth}, "t4 t5"),
        ({"until": fourth}, "t1 t2 t3"),
        ({"held_back": ("doubtful",)}, "t2 t4"),
        ({"held_back": ("doubtful", "sample"), "statuses": ("review",)}, "t2 t3"),
        ({"units": ("C",)}, "t4"),  # what a model answered to t3 is not told
        ({"units": (UNITS["A"], "B")}, "t1 t2"),
    ]

    for wanted, expected in cases:
        assert " ".join(row["external_id"] for row in export(database, **wanted)) == expected


@pytest.mark.usefixtures("varied")
def test_a_unit_counts_for_those_merged_into_it(database: Database) -> None:
    with database.writing() as session:
        merged = taxonomy.UnitRecord("A", UNITS["A"], status="merged", merged_into="B")
        taxonomy.import_units(session, [merged], actor="test")

    found = {unit: [row["external_id"] for row in export(database, units=(unit,))] for unit in "AB"}

    assert found == {"A": ["t1"], "B": ["t1", "t2"]}


def test_an_unknown_unit_is_refused(database: Database) -> None:
    with pytest.raises(InputError, match="--unit '丁局': there is no such unit"):
        export(database, units=("丁局",))


def test_meta_is_kept(database: Database) -> None:
    add_tickets(database, 1, meta={"来电号码": "0532", "n": 1.5})
    with database.writing() as session:
        tickets.insert(session, [new_ticket(2)])

    assert [row["meta"] for row in export(database)] == [{"来电号码": "0532", "n": 1.5}, None]


def test_a_decided_unit_that_is_gone_keeps_its_name_and_says_what_stands_for_it_now(
    database: Database,
) -> None:
    add_tickets(database, 4)
    for unit in ("A", "B", "C", "A"):
        answer_next(database, unit)
    correct(database, 4, "B")
    with database.writing() as session:
        new = taxonomy.UnitRecord("D", "丁局"), taxonomy.UnitRecord("E", "戊局")
        split = taxonomy.UnitRecord("A", UNITS["A"], status="retired", split_into=("D", "E"))
        merged = taxonomy.UnitRecord("B", UNITS["B"], status="merged", merged_into="D")
        retired = taxonomy.UnitRecord("C", UNITS["C"], status="retired")
        taxonomy.import_units(session, [*new, split, merged, retired], actor="test")

    rows = export(database)

    assert [row["final_unit"] for row in rows] == [UNITS[code] for code in "ABCB"]
    assert [row["unit_now"] for row in rows] == [["丁局", "戊局"], ["丁局"], [], ["丁局"]]
    assert rows[3]["predicted_unit"] == UNITS["A"]  # what was answered keeps its name, too
