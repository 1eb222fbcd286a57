"""The heartbeat: what a worker's row says while it lives."""

import threading
from functools import partial

import pytest

from core.errors import DatabaseUnavailableError
from db import Database, claims, workers
from db.batch import Budget
from tests.support.away import gone
from tests.support.make import add_tickets
from tests.support.processes import wait_until
from tests.support.record import attempts
from worker.heartbeat import Heartbeat
from worker.loop import ClaimLoop
from worker.shared import Shared


@pytest.fixture
def heartbeat(loop: ClaimLoop, database: Database) -> Heartbeat:
    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="cpu")
    return Heartbeat(loop, Shared(dropped=5), lambda: 12.0, period=0.01)


def test_a_beat_tells_what_was_done_and_what_does_not_come(
    heartbeat: Heartbeat, database: Database
) -> None:
    heartbeat.loop.run(add_tickets(database, 3), "bulk")

    heartbeat.beat()

    with database.reading() as session:
        [row] = workers.list_workers(session)
    assert row.model_version == heartbeat.loop.resident.version is not None
    assert (row.classified, row.stalled_s, row.dropped) == (3, 12.0, 5)
    assert row.progress_at is not None


def test_an_idle_worker_gives_back_what_it_owes(
    heartbeat: Heartbeat, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a claim that could not be given back while the database was away
    add_tickets(database, 1)
    mine = heartbeat.loop.attempts
    claim = mine.claim(partial(claims.claim, own_ids=(), lane="bulk", budget=Budget(10_000, 10)))

    with monkeypatch.context() as patch:
        patch.setattr(database, "writing", gone)
        mine.hand_back(claim.token)

    # When the heart beats, then the claim is free
    heartbeat.beat()
    assert attempts(database) == [(0, None, False)]


def test_it_beats_on_after_a_fault_until_it_is_stopped(
    heartbeat: Heartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[int] = []

    def beat() -> None:
        beats.append(len(beats))
        if len(beats) < 3:
            raise OSError("no answer") if len(beats) == 1 else DatabaseUnavailableError("gone")

    monkeypatch.setattr(heartbeat, "beat", beat)
    heartbeat.start()
    [thread] = [t for t in threading.enumerate() if t.name == "heartbeat"]
    wait_until(lambda: len(beats) > 3, 20, "it beats on")

    heartbeat.stop()
    thread.join(20)

    assert not thread.is_alive()
