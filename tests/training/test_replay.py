"""What people decided becomes samples, under the units' present codes."""

import pytest

from db import Database, corrections, taxonomy
from db.taxonomy import UnitRecord
from tests.support.answers import erase
from tests.support.make import UNITS, add_tickets, add_units
from tests.support.returns import return_ticket
from training.replay import corrected_samples


@pytest.fixture(autouse=True)
def _decided(database: Database) -> None:
    """Four tickets; people sent the first to B after A, the second to C."""
    add_units(database)
    add_tickets(database, 4)
    for number, unit in ((1, "A"), (2, "C"), (1, "B")):
        with database.writing() as session:
            ticket = corrections.find_ticket(session, "file", f"t{number}")
            assert ticket is not None
            corrections.decide(session, ticket, unit, actor="li")


def replayed(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        return [(sample.text, sample.unit) for sample in corrected_samples(session)]


def test_a_ticket_counts_once_with_the_latest_word(database: Database) -> None:
    assert replayed(database) == [("路灯坏了 1", "B"), ("路灯坏了 2", "C")]


@pytest.mark.parametrize(
    ("status", "into", "left"),
    [
        ("merged", "A", [("路灯坏了 1", "B"), ("路灯坏了 2", "A")]),
        ("retired", None, [("路灯坏了 1", "B")]),
    ],
)
def test_a_merged_unit_stands_under_its_successor_and_a_retired_one_teaches_nothing(
    database: Database, status: str, into: str | None, left: list[tuple[str, str]]
) -> None:
    gone = UnitRecord("C", UNITS["C"], "", None, status, into)
    with database.writing() as session:
        taxonomy.import_units(session, [gone], actor="test")

    assert replayed(database) == left


def test_what_was_returned_last_or_erased_teaches_nothing(database: Database) -> None:
    with database.writing() as session:
        first = corrections.find_ticket(session, "file", "t1")
        assert first is not None
        assert return_ticket(session, first.id, 0, actor="B")
    erase(database, "t2")

    assert replayed(database) == []
