"""Draws: who is asked about what, how long, and what of it is kept."""

from collections.abc import Mapping
from datetime import UTC, timedelta

import pytest
from sqlalchemy import select

from db import Database, corrections, draws, versions
from db.blind_sample import count_unseen
from db.draws import BlindAnswer, Progress
from db.export import Wanted, export_rows
from db.models import Correction, Ticket
from db.provenance import Asked
from db.quality import Counts, read_quality
from tests.support.answers import answer_all, answer_next, correct, erase
from tests.support.draws import ended_run, put_draw, register_pair
from tests.support.make import UNITS, add_tickets, add_units, utc_now

HIDDEN = ("predicted_unit", "confidence", "top_k", "set_90", "final_unit", "decided_by")


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    register_pair(database)


def drawn(database: Database, *answers: tuple[str, str | None]) -> list[int]:
    """Tickets that the champion answered (unit, why held back), and all of which are drawn."""
    add_tickets(database, len(answers))
    ids = answer_all(database, [(unit, 0.9, why) for unit, why in answers])
    put_draw(database, ended_run(database, "w"), ids)
    return ids


def answer_blind(database: Database, ticket: int, unit: str, actor: str = "wang") -> None:
    with database.writing() as session:
        found = session.get_one(Ticket, ticket)
        corrections.decide(session, found, unit, actor=actor, asked=Asked.DISAGREEMENT)


def progress(database: Database) -> Progress | None:
    with database.reading() as session:
        draw = draws.open_draw(session)
        return draws.progress(session, draw) if draw else None


def answers(database: Database) -> list[str]:
    with database.reading() as session:
        draw = draws.open_draw(session)
        assert draw is not None
        return [one.unit for one in draws.answers(session, draw)]


def decisions(database: Database) -> list[tuple[int, str, str | None, str | None, float | None]]:
    with database.reading() as session:
        rows = session.scalars(select(Correction).order_by(Correction.id))
        return [(c.ticket_id, c.how, c.asked, c.shown_unit, c.inclusion) for c in rows]


def rows(database: Database, **wanted: object) -> Mapping[str, Mapping[str, object]]:
    found = export_rows(database, Wanted(**wanted))  # type: ignore[arg-type]
    return {row["external_id"]: row for row in found}


def test_a_routed_ticket_stays_routed_and_both_answers_are_kept(database: Database) -> None:
    same, other = drawn(database, ("A", None), ("A", None))
    with database.reading() as session:
        assert [session.get_one(Ticket, i).status for i in (same, other)] == ["routed"] * 2

    answer_blind(database, same, "A")
    answer_blind(database, other, "B")

    assert answers(database) == ["A", "B"]
    assert progress(database) == Progress(answered=2, waiting=0)
    assert decisions(database) == [
        (same, "confirm", "disagreement", None, None),
        (other, "correct", "disagreement", None, None),
    ]
    with database.reading() as session:
        assert session.get_one(Ticket, other).unit_code == "B"


def test_what_waits_for_a_person_anyway_keeps_its_reason_and_chance_and_is_answered_at_once(
    database: Database,
) -> None:
    doubtful, sampled = drawn(database, ("A", "doubtful"), ("A", "sample"))

    correct(database, doubtful, "A")  # as any ticket in review
    answer_blind(database, sampled, "B")

    assert answers(database) == ["A", "B"]
    assert [row[1:4] for row in decisions(database)] == [
        ("confirm", "doubtful", None),
        ("correct", "sample", None),
    ]
    assert decisions(database)[0][4] == 1.0


def test_a_routed_ticket_that_somebody_comes_upon_is_not_answered_blind(
    database: Database,
) -> None:
    [ticket] = drawn(database, ("A", None))

    correct(database, ticket, "B")

    assert progress(database) == Progress(answered=0, waiting=1)
    assert decisions(database)[0][2:4] == ("routed", "A")

    # When who is asked blind names the same unit, it is an answer and no new decision
    answer_blind(database, ticket, "B")
    assert answers(database) == ["B"]
    assert len(decisions(database)) == 1


@pytest.mark.parametrize("unit", ["A", "B"], ids=["as answered", "another"])
def test_a_list_that_was_confirmed_at_once_answers_nothing(database: Database, unit: str) -> None:
    [ticket] = drawn(database, ("A", "doubtful"))

    with database.writing() as session:
        found = session.get_one(Ticket, ticket)
        corrections.decide(session, found, unit, actor="li", asked=Asked.BULK)

    assert progress(database) == Progress(answered=0, waiting=1)


def test_nobody_is_told_a_unit(database: Database) -> None:
    drawn(database, ("A", None), ("B", "doubtful"))
    add_tickets(database, 1, source="other")
    answer_next(database, "A")

    blind = rows(database, blind=True)
    assert sorted(blind) == ["t1", "t2"]
    assert {row[name] for row in blind.values() for name in HIDDEN} == {None}
    assert all(row["text"] for row in blind.values())

    # The list of all tickets tells where a routed one is; of one in review it tells no answer
    everyone = rows(database, sources=("file",))
    assert everyone["t1"]["final_unit"] == UNITS["A"]
    assert {everyone["t2"][name] for name in HIDDEN} == {None}
    assert everyone["t2"]["held_back"] == "doubtful"
    assert list(rows(database, sources=("file",), units=("B",))) == []


def test_an_answered_ticket_is_asked_no_more_and_shows_its_answers_again(
    database: Database,
) -> None:
    first, _ = drawn(database, ("A", "doubtful"), ("A", None))
    answer_blind(database, first, "B")

    assert list(rows(database, blind=True)) == ["t2"]
    assert rows(database)["t1"]["predicted_unit"] == UNITS["A"]
    with database.reading() as session:
        assert draws.waiting(session, first) is None
        assert draws.place(session, first) is not None


@pytest.mark.parametrize("end", ["a newer draw", "judged", "another champion"])
def test_a_draw_asks_until_something_ends_it(database: Database, end: str) -> None:
    ids = drawn(database, ("A", None), ("A", None))
    with database.writing() as session:
        draw = draws.open_draw(session)
        assert draw is not None
        if end == "judged":
            draws.close(session, draw.id, judged_by=draw.run_id)
        if end == "another champion":
            versions.promote(session, "w", actor="test")
    if end == "a newer draw":
        put_draw(database, ended_run(database, "w"), ids[1:])

    asked = ["t2"] if end == "a newer draw" else []
    assert list(rows(database, blind=True)) == asked
    answer_blind(database, ids[0], "B")
    assert progress(database) == (Progress(0, 1) if asked else None)


def test_erased_tickets_are_neither_asked_nor_counted(database: Database) -> None:
    first, second = drawn(database, ("A", None), ("A", None))
    answer_blind(database, first, "B")
    for external_id in ("t1", "t2"):
        assert erase(database, external_id)

    assert progress(database) == Progress(0, 0)
    assert answers(database) == []
    assert list(rows(database, blind=True)) == []
    with database.reading() as session:
        assert session.get_one(Ticket, second).erased_at is not None


def test_blind_answers_move_no_estimate_of_what_is_routed(database: Database) -> None:
    ids = drawn(database, *[("A", None)] * 6)
    with database.reading() as session:
        unseen = count_unseen(session, ids[0], ids[-1])
    for ticket in ids[:4]:
        answer_blind(database, ticket, "B")
    correct(database, ids[4], "B")  # somebody noticed this one

    with database.reading() as session:
        until = utc_now() + timedelta(seconds=1)
        total = read_quality(session, until - timedelta(days=1), until, UTC).total
        assert total == Counts(routed=6, overridden=1)
        assert count_unseen(session, ids[0], ids[-1]) == unseen == 6


def test_the_newest_answered_tickets_are_recent(database: Database) -> None:
    ids = drawn(database, ("A", None), ("B", "doubtful"), ("A", None))
    add_tickets(database, 1, source="queued")
    assert erase(database, "t3")

    with database.reading() as session:
        assert [one.id for one in draws.recent_tickets(session, 10)] == [ids[1], ids[0]]
        assert [one.id for one in draws.recent_tickets(session, 1)] == [ids[1]]
        assert draws.answers(session, draws.open_draw(session)) == list[BlindAnswer]()  # type: ignore[arg-type]
