"""Which decided tickets calibrate: drawn by chance, decided since, of a unit there still is."""

from datetime import UTC, datetime

import pytest

from db import Database, taxonomy
from db.taxonomy import UnitRecord
from tests.support.answers import add_version, answer_next, correct
from tests.support.make import UNITS, add_tickets, add_units
from training.drawn import Drawn, drawn_samples

LONG_AGO, TO_COME = datetime(2020, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    """Four tickets: sure and drawn, doubtful, routed, and drawn without a decision yet."""
    add_units(database)
    add_version(database, "v")
    ids = add_tickets(database, 4)
    for held_back in ("sample", "doubtful", None, "sample"):
        answer_next(database, "A", held_back)
    for ticket, unit in zip(ids, "BCA", strict=False):
        correct(database, ticket, unit)


def drawn(database: Database, share: float = 1.0, since: datetime = LONG_AGO) -> Drawn:
    with database.reading() as session:
        return drawn_samples(session, share, since)


def texts(found: Drawn) -> list[tuple[str, str]]:
    return [(sample.text, sample.unit) for sample in found.samples]


def test_sure_and_doubtful_tickets_of_the_sample_are_taken_and_the_others_counted(
    database: Database,
) -> None:
    found = drawn(database)

    assert texts(found) == [("路灯坏了 1", "B"), ("路灯坏了 2", "C")]
    assert found.counts == {"sure": 1, "doubtful": 1}
    assert found.left_out == {"routed": 1}
    assert (found.waiting, found.unseen) == (1, 1)


def test_what_a_person_saw_because_the_model_doubted_is_left_out(database: Database) -> None:
    found = drawn(database, share=0.0)

    assert texts(found) == []
    assert found.left_out == {"wider": 1, "doubted": 1, "routed": 1}


def test_what_was_decided_before_is_left_out(database: Database) -> None:
    found = drawn(database, since=TO_COME)

    assert (texts(found), found.left_out) == ([], {"earlier": 3})


@pytest.mark.parametrize(
    ("status", "into", "left", "gone"),
    [
        ("merged", "A", [("路灯坏了 1", "B"), ("路灯坏了 2", "A")], {}),
        ("retired", None, [("路灯坏了 1", "B")], {"gone": 1}),
    ],
)
def test_a_merged_unit_stands_under_its_successor_and_one_that_is_gone_is_left_out(
    database: Database,
    status: str,
    into: str | None,
    left: list[tuple[str, str]],
    gone: dict[str, int],
) -> None:
    unit = UnitRecord("C", UNITS["C"], "", None, status, into)
    with database.writing() as session:
        taxonomy.import_units(session, [unit], actor="test")

    found = drawn(database)

    assert texts(found) == left
    assert found.left_out == {"routed": 1, **gone}
