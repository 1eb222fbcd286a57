"""What is labelled now, under the units' present codes."""

from dataclasses import replace

import pytest

from db import Database, taxonomy
from db.models import Ticket
from db.provenance import Asked
from db.taxonomy import UnitRecord
from tests.support.answers import add_version
from tests.support.make import UNITS, add_units
from tests.support.returns import return_ticket
from tests.support.snapshots import add_decided, decided, row, text
from training.snapshot import sources
from training.snapshot.rows import Row
from training.snapshot.sources import Sources, read_sources


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def read(database: Database, seed: list[Row], frozen: list[Row] | None = None) -> Sources:
    return read_sources(database, seed, frozen or [])


def test_decisions_come_with_why_a_person_was_asked(database: Database) -> None:
    ids = add_decided(database, [(text(1), "A"), (text(2), "B")])
    ids += add_decided(database, [(text(3), "A")], Asked.BULK)

    found = read(database, [row(9)])

    assert [(one.ticket, one.text, one.unit, one.asked) for one in found.decisions] == [
        (ids[0], text(1), "A", "unanswered"),
        (ids[1], text(2), "B", "unanswered"),
        (ids[2], text(3), "A", "bulk"),
    ]
    assert found.newest_decision == 3
    assert list(found.seed) == [row(9)]
    assert [(unit.code, unit.name) for unit in found.units] == list(UNITS.items())


def test_merged_units_stand_under_their_successor_and_what_is_gone_is_counted(
    database: Database,
) -> None:
    add_decided(database, [(text(1), "B"), (text(2), "C")])
    with database.writing() as session:
        merged = UnitRecord("B", UNITS["B"], status="merged", merged_into="A")
        retired = UnitRecord("C", UNITS["C"], status="retired")
        taxonomy.import_units(session, [merged, retired], actor="x")

    found = read(database, [row(3, "B"), row(4, "C"), row(5, "Z"), replace(row(6), text=" ")])

    assert [one.unit for one in (*found.decisions, *found.seed)] == ["A", "A"]
    assert found.left_out == {"unit gone": 3, "no text": 1}


def test_returned_and_erased_tickets_are_not_read(database: Database) -> None:
    first, second, _ = add_decided(database, [(text(n), "A") for n in (1, 2, 3)])
    with database.writing() as session:
        assert return_ticket(session, first, 0, actor="A")
        erased = session.get_one(Ticket, second)
        erased.text, erased.erased_at = "", erased.submitted_at

    assert [one.text for one in read(database, []).decisions] == [text(3)]


def test_frozen_rows_take_the_best_label_and_go_with_their_decision(database: Database) -> None:
    add_decided(database, [(text(1), "B")])
    add_decided(database, [(text(4), "B")], Asked.BULK)
    before = [row(1, "A"), row(2, "A"), decided(3, "A"), row(4, "A")]

    found = read(database, [row(2, "B")], before)

    assert [(one.text, one.unit, one.origin) for one in found.kept] == [
        (text(1), "B", "decision"),
        (text(2), "B", "seed"),
        (text(4), "A", "seed"),  # of a file that is not given any more
    ]


def test_no_transaction_waits_while_texts_are_masked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that ends what is idle
    add_decided(database, [(text(1), "A")])
    opened: list[int] = []

    def mask(_title: str | None, _text: str) -> str:
        opened.append(database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return "x"

    monkeypatch.setattr(sources, "model_text", mask)

    assert [one.text for one in read(database, []).decisions] == ["x"]
    assert opened == [0]
