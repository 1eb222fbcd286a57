"""The shadow: which tickets a challenger is asked, once each, and how it compares."""

import pytest
from sqlalchemy import select, update

from core.errors import ModelVersionError
from core.settings import Settings
from db import Database, corrections, erasure, shadow, versions
from db.models import Classification, Event, Ticket
from db.shadow import Agreement, ShadowResult
from tests.support.make import add_tickets, add_units, promote_constant
from tests.support.shadow import put_in_shadow, shadow_answers
from worker.loop import ClaimLoop


@pytest.fixture
def pair(loop: ClaimLoop, database: Database, settings: Settings) -> tuple[str, str]:
    """Champion and challenger; the loop answers with the first."""
    return put_in_shadow(database, settings.resolved_models_dir)


def take(database: Database, limit: int = 1000) -> list[int]:
    with database.writing() as session:
        current = shadow.current(session)
        assert current is not None
        return [ticket.id for ticket in shadow.take(session, current, limit)]


def test_each_ticket_that_the_champion_answered_since_is_asked_once(
    loop: ClaimLoop, database: Database, pair: tuple[str, str]
) -> None:
    assert take(database) == []
    ids = add_tickets(database, 5)
    assert take(database) == []  # the champion goes first
    loop.run(ids, "bulk")

    assert take(database, limit=3) == ids[:3]
    assert take(database) == ids[3:]
    assert take(database) == []
    assert shadow_answers(database) == [(i, "A", None) for i in ids]


def test_a_share_is_drawn_by_the_tickets_ids(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    _, challenger = put_in_shadow(database, settings.resolved_models_dir, 0.2)
    ids = add_tickets(database, 400)
    loop.run(ids, "bulk")

    drawn = take(database)
    with database.writing() as session:
        shadow.start(session, challenger, 0.4, actor="test")
        session.execute(update(Classification).values(classified_at=Classification.classified_at))
    more = set(take(database)) | set(drawn)

    assert 60 <= len(drawn) <= 100
    assert len(more) == len(drawn)  # what was answered before the second start is left alone


def test_degraded_answers_and_erased_tickets_are_not_asked(
    loop: ClaimLoop, database: Database, pair: tuple[str, str]
) -> None:
    ids = add_tickets(database, 3)
    loop.run(ids, "bulk")
    with database.writing() as session:
        session.execute(
            update(Classification).where(Classification.ticket_id == ids[0]).values(degraded=True)
        )
        ticket = session.get_one(Ticket, ids[1])
        erasure.erase(session, ticket, actor="test")

    assert take(database) == ids[2:]


def test_answers_agree_or_are_listed_and_touch_no_ticket(
    loop: ClaimLoop, database: Database, pair: tuple[str, str]
) -> None:
    champion, challenger = pair
    ids = add_tickets(database, 3)
    loop.run(ids, "bulk")
    take(database)
    with database.writing() as session:
        shadow.store(
            session,
            challenger,
            [ShadowResult(ids[0], 0, "A", 0.9, None), ShadowResult(ids[1], 0, "B", 0.6, None)],
        )
        ticket = corrections.find_ticket(session, "file", "t2")
        assert ticket is not None
        corrections.decide(session, ticket, "C", actor="me")

    with database.reading() as session:
        assert shadow.agreement(session, challenger) == Agreement(asked=3, answered=2, agreed=1)
        [found] = shadow.disagreements(session, challenger)
        assert (found.champion, found.champion_unit, found.shadow_unit) == (champion, "A", "B")
        assert (found.ticket_id, found.external_id, found.decided_unit) == (ids[1], "t2", "C")
        assert session.scalars(select(Ticket.unit_code).order_by(Ticket.id)).all() == [
            "A",
            "C",
            "A",
        ]
        assert {row.model_version for row in session.scalars(select(Classification))} == {champion}


def test_a_version_leaves_the_shadow_when_told_or_promoted(
    database: Database, settings: Settings
) -> None:
    add_units(database)
    _, challenger = put_in_shadow(database, settings.resolved_models_dir)

    with database.writing() as session:
        assert shadow.stop(session, actor="me") == challenger
        assert shadow.stop(session, actor="me") is None
        assert shadow.current(session) is None
        shadow.start(session, challenger, 0.5, actor="me")
        versions.promote(session, challenger, actor="me")
        assert shadow.current(session) is None
        assert not shadow.is_due(session)
        kinds = session.scalars(select(Event.kind).where(Event.kind == "model.shadowed")).all()
    assert len(kinds) == 3


def test_a_version_that_was_promoted_does_not_come_back_into_the_shadow_by_a_rollback(
    database: Database, settings: Settings
) -> None:
    add_units(database)
    _, challenger = put_in_shadow(database, settings.resolved_models_dir)
    with database.writing() as session:
        versions.promote(session, challenger, actor="li")
    with database.writing() as session:
        versions.rollback(session, actor="li")
        assert shadow.current(session) is None

    with database.writing() as session:
        shadow.start(session, challenger, 1.0, actor="li")
    with database.reading() as session:
        now = shadow.current(session)
    assert now is not None
    assert now.version == challenger


def test_the_champion_and_unknown_versions_stay_out(database: Database, settings: Settings) -> None:
    add_units(database)
    champion = promote_constant(database, settings.resolved_models_dir)

    with database.writing() as session:
        with pytest.raises(ModelVersionError, match="is the champion"):
            shadow.start(session, champion, 0.5, actor="me")
        with pytest.raises(ModelVersionError, match="is registered"):
            shadow.start(session, "linear-of-old", 0.5, actor="me")
