"""Where decisions come from: why a person was asked, what was shown, and how likely it was."""

from typing import get_args

import pytest
from sqlalchemy import select

from classifier.interface import HeldBack
from db import Database, claims, corrections, results
from db.models import Classification, Correction, Ticket
from db.provenance import Asked
from db.results import Result
from tests.support.answers import add_version
from tests.support.make import add_tickets, add_units, claim_batch
from tests.support.returns import return_ticket

Row = tuple[str | None, str | None, str | None, float | None]


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v", "w")


@pytest.fixture
def ticket(database: Database) -> int:
    [only] = add_tickets(database, 1)
    return only


def answer(
    database: Database, held_back: str | None, version: str = "v", share: float = 0.0
) -> None:
    """Let a model answer A to what waits."""
    held: claims.Claim = claim_batch(database)
    found = [Result(t.id, t.round, "A", 0.9, [("A", 0.9)], held_back) for t in held.tickets]
    with database.writing() as session:
        results.store(session, held.token, found, version=version, review_sample=share)


def decide(database: Database, unit: str, asked: Asked | None = None) -> Row:
    """Let a person decide ticket t1; return where the newest decision comes from."""
    with database.writing() as session:
        found = corrections.find_ticket(session, "file", "t1")
        assert found is not None
        corrections.decide(session, found, unit, actor="li", asked=asked)
    with database.reading() as session:
        row = session.scalars(select(Correction).order_by(Correction.id.desc())).first()
    assert row is not None
    return row.asked, row.shown_unit, row.model_version, row.inclusion


def test_every_reason_to_hold_an_answer_back_is_a_reason_to_ask() -> None:
    assert {*get_args(HeldBack), results.SAMPLED} <= {asked.value for asked in Asked}


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("unit", ["A", "B"], ids=["confirmed", "corrected"])
@pytest.mark.parametrize("reason", get_args(HeldBack))
def test_what_a_model_doubted_was_seen_for_sure_with_its_answer(
    database: Database, reason: str, unit: str
) -> None:
    answer(database, reason, share=0.5)

    assert decide(database, unit) == (reason, "A", "v", 1.0)


@pytest.mark.usefixtures("ticket")
def test_a_sure_answer_of_the_blind_sample_was_not_shown_and_was_drawn_by_its_share(
    database: Database,
) -> None:
    answer(database, None, share=1.0)
    assert decide(database, "B") == ("sample", None, "v", 1.0)


def test_the_share_is_the_one_of_the_answer_and_not_of_today(database: Database) -> None:
    add_tickets(database, 40)
    answer(database, None, share=0.25)

    with database.reading() as session:
        rows = session.scalars(select(Classification)).all()
    assert {row.inclusion for row in rows} == {0.25}
    assert {row.held_back for row in rows} == {None, "sample"}


@pytest.mark.usefixtures("ticket")
def test_who_comes_upon_an_unanswered_ticket_saw_nothing(database: Database) -> None:
    assert decide(database, "A") == ("unanswered", None, None, None)


@pytest.mark.usefixtures("ticket")
def test_who_comes_upon_a_routed_ticket_saw_its_unit_by_no_known_chance(
    database: Database,
) -> None:
    answer(database, None, share=0.0)

    assert decide(database, "B") == ("routed", "A", "v", None)


@pytest.mark.usefixtures("ticket")
def test_a_file_tells_why_a_person_was_asked_only_where_no_answer_does(database: Database) -> None:
    assert decide(database, "A", Asked.FILE) == ("file", None, None, None)


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize(
    ("held_back", "row"),
    [(None, ("file", None, "v", None)), ("doubtful", ("doubtful", "A", "v", 1.0))],
)
def test_a_file_of_what_was_held_back_is_the_answer_to_that(
    database: Database, held_back: str | None, row: Row
) -> None:
    answer(database, held_back)

    assert decide(database, "B", Asked.FILE) == row


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("held_back", [None, "doubtful"])
def test_a_list_confirmed_at_once_has_shown_its_units_and_proves_no_chance(
    database: Database, held_back: str | None
) -> None:
    answer(database, held_back)

    assert decide(database, "A", Asked.BULK) == ("bulk", "A", "v", None)


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("held_back", [None, "doubtful"])
def test_who_names_another_unit_in_a_confirmed_list_has_looked_by_no_known_chance(
    database: Database, held_back: str | None
) -> None:
    # Rows of that list in which the model was right count as bulk: a known chance for those alone
    # in which it was wrong would make any challenger look better.
    answer(database, held_back)

    assert decide(database, "B", Asked.BULK) == ("file", None, "v", None)


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("unit", ["A", "B"], ids=["as answered", "another"])
def test_a_confirmed_list_repeats_no_answer_of_the_blind_sample(
    database: Database, unit: str
) -> None:
    answer(database, None, share=1.0)

    assert decide(database, unit, Asked.BULK) == ("sample", None, "v", 1.0)


@pytest.mark.parametrize("held_back", ["doubtful", None], ids=["doubtful", "sample"])
def test_what_a_unit_returned_comes_before_a_person_by_no_known_chance(
    database: Database, ticket: int, held_back: str | None
) -> None:
    answer(database, None)
    with database.writing() as session:
        assert return_ticket(session, ticket, 0, actor="unit")
    answer(database, held_back, share=1.0)

    asked, _, _, inclusion = decide(database, "B")

    assert (asked, inclusion) == (held_back or "sample", None)


@pytest.mark.usefixtures("ticket")
def test_a_second_opinion_is_blind(database: Database) -> None:
    answer(database, "doubtful")
    decide(database, "A")

    assert decide(database, "B", Asked.SECOND_OPINION) == ("second_opinion", None, "v", None)


def test_the_newest_answer_of_the_round_counts(database: Database, ticket: int) -> None:
    answer(database, "doubtful", "v")
    with database.writing() as session:
        row = session.get_one(Ticket, ticket)
        row.status = "queued"
    answer(database, "no_unit", "w")

    assert decide(database, "A")[0::2] == ("no_unit", "w")

    with database.writing() as session:
        assert return_ticket(session, ticket, 0, actor="A")
    assert decide(database, "B") == ("unanswered", None, None, None)
