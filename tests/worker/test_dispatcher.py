"""The dispatcher when the model fails: who is to blame, and who gets the attempt back."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from classifier.interface import Decision
from core.errors import DatabaseUnavailableError
from db import Database, claims, tickets
from db.models import Status, Ticket
from tests.support.ahead import Ahead
from tests.support.away import gone
from tests.support.make import add_tickets, new_ticket
from tests.support.record import attempts, statuses
from tests.support.recorder import Recorder
from worker.loop import ClaimLoop


def test_an_interrupt_in_the_model_gives_the_attempts_back(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    def stop(texts: Sequence[str]) -> None:
        raise SystemExit

    model.before = stop
    ids = add_tickets(database, 3)

    with pytest.raises(SystemExit):
        loop.run(ids, "bulk")

    assert attempts(database) == [(0, None, False)] * 3


def test_a_ticket_the_model_fails_on_takes_nobody_with_it(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    def fail(texts: Sequence[str]) -> None:
        if any("路灯坏了 2" in text for text in texts):
            raise ValueError("indigestible")

    model.before = fail
    ids = add_tickets(database, 3)

    loop.run(ids, "bulk")

    with database.reading() as session:
        rows = session.execute(select(Ticket.status, Ticket.dead_reason).order_by(Ticket.id)).all()
    assert [row.status for row in rows] == [Status.ROUTED, Status.DEAD, Status.ROUTED]
    reason = rows[1].dead_reason
    assert reason.startswith(
        "3 attempts: it cannot be classified: ValueError at worker/test_dispatcher"
    )
    assert "indigestible" not in reason


def test_of_several_batches_under_way_only_the_ticket_that_breaks_the_model_is_blamed(
    loop: ClaimLoop, ahead: Ahead, database: Database
) -> None:
    # Given a ticket in the second of two batches that are under way together
    held: list[int] = []

    def fail(texts: Sequence[str]) -> None:
        held.append(sum(token is not None for _, token, _ in attempts(database)))
        if any("路灯坏了 4" in text for text in texts):
            raise ValueError("indigestible")

    ahead.before = fail
    loop.settings = loop.settings.model_copy(update={"max_batch": 2, "max_attempts": 1})
    ids = add_tickets(database, 6)

    # When one attempt is all it has
    loop.run(ids, "bulk")

    # Then it and its neighbour in the batch are dead, and nobody else lost an attempt
    assert max(held) == 4  # both batches were under way
    assert statuses(database) == [*[Status.ROUTED] * 2, *[Status.DEAD] * 2, *[Status.ROUTED] * 2]


@pytest.mark.parametrize("under_way", ["model", "ahead"])
def test_a_live_ticket_is_not_blamed_for_a_bulk_one_that_was_claimed_with_it(
    loop: ClaimLoop, request: pytest.FixtureRequest, database: Database, under_way: str
) -> None:
    def fail(texts: Sequence[str]) -> None:
        if any("路灯坏了 1" in text for text in texts):
            raise ValueError("indigestible")

    request.getfixturevalue(under_way).before = fail
    loop.settings = loop.settings.model_copy(update={"max_attempts": 1})
    ids = add_tickets(database, 2)
    with database.writing() as session:
        tickets.insert(session, [new_ticket(9, text="急", lane="live")])

    loop.run(ids, "bulk")

    assert statuses(database) == [Status.DEAD, Status.DEAD, Status.ROUTED]


def test_continuous_work_that_fails_before_it_takes_a_batch_is_no_silent_end(
    loop: ClaimLoop, ahead: Ahead, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("only continuous work is broken")

    monkeypatch.setattr(ahead, "classify_batches", broken)
    ids = add_tickets(database, 3)

    with pytest.raises(RuntimeError, match="only continuous work"):
        loop.run(ids, "bulk")

    assert attempts(database) == [(0, None, False)] * 3


def test_what_claiming_raises_is_no_tickets_doing(
    loop: ClaimLoop, ahead: Ahead, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, calls = claims.claim, iter([True, False])

    def fail_the_second_time(*arguments: Any, **options: Any) -> claims.Claim:
        if not next(calls):
            raise KeyError("a column")
        return claim(*arguments, **options)

    monkeypatch.setattr(claims, "claim", fail_the_second_time)
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 4)

    with pytest.raises(KeyError, match="a column"):
        loop.run(ids, "bulk")

    assert attempts(database) == [(0, None, False)] * 4


def test_a_fault_gives_all_batches_under_way_their_attempts_back(
    loop: ClaimLoop, ahead: Ahead, database: Database
) -> None:
    def stop(texts: Sequence[str]) -> None:
        assert sum(token is not None for _, token, _ in attempts(database)) == 4
        raise SystemExit

    ahead.before = stop
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 6)

    with pytest.raises(SystemExit):
        loop.run(ids, "bulk")

    assert attempts(database) == [(0, None, False)] * 6


@pytest.mark.parametrize("answer", ["nan", "foreign", "short"])
def test_an_answer_that_cannot_be_stored_counts_against_its_ticket_alone(
    loop: ClaimLoop, model: Recorder, database: Database, answer: str
) -> None:
    # Given a model that answers one of three tickets with nonsense
    ids = add_tickets(database, 3)
    intact = model.inner

    class Odd:
        token_budget, version, units = intact.token_budget, intact.version, intact.units

        def classify(self, texts: Sequence[str], allowed: Any, top_k: int) -> list[Decision]:
            decisions: list[Decision] = intact.classify(texts, allowed, top_k)
            if any("路灯坏了 2" in text for text in texts):
                if answer == "short":
                    return decisions[:-1]
                change = {"probability": math.nan} if answer == "nan" else {"unit": "Z"}
                decisions = [replace(decision, **change) for decision in decisions]
            return decisions

    model.inner = Odd()

    # When the batch is worked off
    loop.run(ids, "bulk")

    # Then that ticket is dead after its attempts, and the others are answered
    assert statuses(database) == [Status.ROUTED, Status.DEAD, Status.ROUTED]


def test_a_database_that_goes_away_while_a_ticket_is_blamed_gives_the_attempts_back(
    loop: ClaimLoop, model: Recorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a ticket the model fails on, and a database that is gone when that is to be written
    ids = add_tickets(database, 2)
    intact = database.writing

    def fail(texts: Sequence[str]) -> None:
        if any("路灯坏了 2" in text for text in texts):
            monkeypatch.setattr(database, "writing", gone)
            raise ValueError("indigestible")

    model.before = fail
    with pytest.raises(DatabaseUnavailableError):
        loop.run(ids, "bulk")

    # When it is back
    monkeypatch.setattr(database, "writing", intact)
    loop.attempts.release_owed()

    # Then nobody lost an attempt
    assert attempts(database) == [(0, None, False)] * 2
