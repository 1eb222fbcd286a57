"""A split (one unit becomes several): its old tickets are of no one part."""

from typing import Any

import pytest

from core.errors import TaxonomyError
from db import Database, taxonomy
from db.models import Ticket, Unit
from db.returned import refused_units
from db.returns import return_ticket
from db.taxonomy import Imported, UnitRecord
from db.unit_index import UnitIndex
from tests.support.answers import add_version, answer_all, correct
from tests.support.make import UNITS, add_tickets, add_units
from tests.support.units import load, resolve
from training.replay import corrected_samples


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    load(database, UnitRecord("D", "丁局"), UnitRecord("E", "戊局"))


def split(*parts: str, **values: Any) -> UnitRecord:
    return UnitRecord("A", UNITS["A"], **{"status": "retired", "split_into": parts, **values})


def index(database: Database) -> UnitIndex:
    with database.reading() as session:
        return taxonomy.read_index(session)


def why(database: Database, name: str) -> str:
    with database.reading() as session:
        return taxonomy.why_unresolved(session, name)


def test_a_split_is_stored_once_and_names_its_parts(database: Database) -> None:
    assert load(database, split("D", "E")) == Imported(0, 1, 0, 3)
    assert load(database, split("D", "E")) == Imported(0, 0, 1, 3)

    found = index(database)
    assert [unit.code for unit in found.stands_now("A")] == ["D", "E"]
    assert found.agree("A", "D")
    assert not found.agree("A", "B")
    assert not found.agree("D", "E")


def test_a_split_that_leads_back_is_refused(database: Database) -> None:
    back = UnitRecord("B", UNITS["B"], status="retired", split_into=("A", "E"))

    with pytest.raises(TaxonomyError, match="'A': what took it over, B and D, leads back to it"):
        load(database, split("B", "D"), back)

    assert index(database).units["A"].status == "active"


def test_all_that_agrees_is_told_in_pairs(database: Database) -> None:
    load(database, split("D", "E"), UnitRecord("B", UNITS["B"], status="merged", merged_into="D"))

    found = index(database)

    one_way = {("A", "B"), ("A", "D"), ("A", "E"), ("B", "D")}
    assert found.agreeing() == one_way | {(other, one) for one, other in one_way}
    assert all(found.agree(*pair) for pair in found.agreeing())


def test_a_split_unit_resolves_to_nothing_and_says_to_what_it_was_split(
    database: Database,
) -> None:
    load(database, split("D", "E"), UnitRecord("B", UNITS["B"], status="merged", merged_into="A"))

    assert resolve(database, "A", UNITS["A"], "B") == {}
    assert why(database, "甲局") == "'甲局' was split into 'D' and 'E': name one of them"
    assert why(database, "乙局") == "'乙局' was split into 'D' and 'E': name one of them"


def test_parts_that_are_one_again_stand_for_the_unit_and_a_retired_part_does_not(
    database: Database,
) -> None:
    load(database, split("D", "E"))
    load(database, UnitRecord("E", "戊局", status="retired"))
    assert resolve(database, "A") == {}  # some of its tickets were E's
    assert [unit.code for unit in index(database).stands_now("A")] == ["D"]

    load(database, UnitRecord("E", "戊局", status="merged", merged_into="D"))
    assert resolve(database, "A") == {"A": "D"}


def test_a_split_can_be_taken_back(database: Database) -> None:
    load(database, split("D", "E"))

    load(database, UnitRecord("A", UNITS["A"]))

    assert resolve(database, "A") == {"A": "A"}


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (split("D"), "split_into names two units or more, not itself"),
        (split("D", "D"), "split_into names two units or more, not itself"),
        (split("A", "D"), "split_into names two units or more, not itself"),
        (split("D", "nobody"), "its split_into 'nobody' is no known unit"),
        (split("D", "E", status="active"), "it cannot be active and split_into others"),
        (split("D", "E", status="merged", merged_into="D"), "cannot be merged and split_into"),
    ],
)
def test_a_split_that_is_none_is_refused(database: Database, record: UnitRecord, told: str) -> None:
    with pytest.raises(TaxonomyError, match=told):
        load(database, record)


def test_a_split_of_which_no_part_is_left_is_refused(database: Database) -> None:
    load(database, split("D", "E"), UnitRecord("D", "丁局", status="retired"))

    with pytest.raises(TaxonomyError, match="split into 'D' and 'E', which lead to no active"):
        load(database, UnitRecord("E", "戊局", status="retired"))


def test_what_people_decided_for_a_unit_that_was_split_teaches_neither_part(
    database: Database,
) -> None:
    add_version(database, "v")
    before, after = add_tickets(database, 2)
    correct(database, before, "A")
    load(database, split("D", "E"))
    correct(database, after, "D")

    with database.reading() as session:
        samples = corrected_samples(session)
        kept = session.get_one(Ticket, before)

    assert [(one.text, one.unit) for one in samples] == [("路灯坏了 2", "D")]
    assert (kept.status, kept.unit_code) == ("routed", "A")  # history keeps its code


def test_parts_of_a_unit_that_returned_a_ticket_are_not_offered_it(database: Database) -> None:
    add_version(database, "v")
    [ticket] = add_tickets(database, 1)
    answer_all(database, [("A", 0.9, None)])
    with database.writing() as session:
        return_ticket(session, session.get_one(Ticket, ticket), "A", "不归我管", actor="li")

    load(database, split("D", "E"))

    with database.reading() as session:
        assert refused_units(session, [ticket]) == {ticket: {"A", "D", "E"}}


def test_a_part_may_return_what_its_unit_was_sent_before_the_split(database: Database) -> None:
    add_version(database, "v")
    [ticket] = add_tickets(database, 1)
    answer_all(database, [("A", 0.9, None)])
    load(database, split("D", "E"))

    with database.writing() as session:
        done = return_ticket(session, session.get_one(Ticket, ticket), "丁局", "x", actor="li")

    assert done.status == "queued"
    with database.reading() as session:
        assert session.get_one(Unit, "A").split_into == ["D", "E"]
