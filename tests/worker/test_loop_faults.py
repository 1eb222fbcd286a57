"""The claim loop when something fails: what is handed back, published, or waits."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select, update

from core.errors import BrokerUnavailableError, DatabaseUnavailableError
from db import Database
from db.models import Status, Ticket, Unit
from tests.support.ahead import Ahead
from tests.support.away import gone, unanswered
from tests.support.make import add_tickets
from tests.support.record import attempts, statuses
from tests.support.recorder import Recorder
from worker.loop import ClaimLoop


def test_time_up_publishes_the_rest(loop: ClaimLoop, model: Recorder, database: Database) -> None:
    sent: list[dict[str, list[int]]] = []
    loop.publish = sent.append
    loop.settings = loop.settings.model_copy(update={"task_loop": 1e-9, "max_batch": 2})
    ids = add_tickets(database, 5)

    assert loop.run(ids, "bulk") == 2
    assert sent == [{"bulk": ids[2:]}]


def test_a_stop_publishes_the_rest_even_without_a_broker(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    def unreachable(ids: dict[str, list[int]]) -> None:
        raise BrokerUnavailableError("gone")

    loop.publish = unreachable
    loop.stopping = lambda: True
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 4)

    assert loop.run(ids, "bulk") == 2
    assert statuses(database) == [Status.ROUTED] * 2 + [Status.QUEUED] * 2


def test_a_database_fault_gives_the_attempts_back_once_it_is_over(
    loop: ClaimLoop, model: Recorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that goes away while the model works
    ids = add_tickets(database, 2)
    intact = database.writing

    model.before = lambda texts: monkeypatch.setattr(database, "writing", gone)
    with pytest.raises(DatabaseUnavailableError):
        loop.run(ids, "bulk")

    # When it is back
    monkeypatch.setattr(database, "writing", intact)
    loop.attempts.release_owed()

    # Then the claims are free with their attempts
    assert attempts(database) == [(0, None, False)] * 2


def test_a_model_that_fails_before_it_takes_a_batch_is_let_go(
    loop: ClaimLoop, ahead: Ahead, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(ahead, "classify_batches", broken)
    ahead.before = broken
    ids = add_tickets(database, 3)

    assert loop.run(ids, "bulk") == 0

    assert attempts(database) == [(0, None, False)] * 3
    assert loop.resident.classifier is None


def test_a_broken_model_is_let_go_and_no_ticket_is_blamed(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    def broken(texts: Sequence[str]) -> None:
        raise RuntimeError("CUDA error: out of memory")

    model.before = broken
    ids = add_tickets(database, 3)

    loop.run(ids, "bulk")

    assert attempts(database) == [(0, None, False)] * 3
    assert loop.resident.refresh() is None  # and it is loaded anew after a while
    loop.resident.drop()
    loop.resident.retry_after = 0.0
    loop.resident.drop()
    assert loop.run(ids, "bulk") == 3


def test_a_claim_whose_commit_was_not_answered_is_given_back(
    loop: ClaimLoop, model: Recorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that commits a claim and is gone before it says so
    ids = add_tickets(database, 2)
    intact = database.writing

    monkeypatch.setattr(database, "writing", unanswered(database))
    with pytest.raises(DatabaseUnavailableError):
        loop.run(ids, "bulk")

    # When it is back
    monkeypatch.setattr(database, "writing", intact)
    loop.attempts.release_owed()

    # Then the tickets have their attempt
    assert attempts(database) == [(0, None, False)] * 2


def test_without_an_active_unit_tickets_wait(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    ids = add_tickets(database, 1)
    with database.writing() as session:
        session.execute(update(Unit).values(status="retired", taxonomy_version=99))

    assert loop.run(ids, "bulk") == 0
    assert statuses(database) == [Status.QUEUED]


def test_a_row_lock_that_somebody_forgot_ends_the_attempt_and_not_the_worker(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    """On SQLite a forgotten lock is the whole database's, met by the busy timeout."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite locks no rows")
    ids = add_tickets(database, 2)
    with database.engine.connect() as other:
        model.before = lambda texts: other.execute(
            select(Ticket.id).where(Ticket.id == ids[0]).with_for_update()
        )
        with pytest.raises(DatabaseUnavailableError, match="lock timeout"):
            loop.run(ids, "bulk")
    loop.attempts.release_owed()

    assert attempts(database) == [(0, None, False)] * 2
