"""Heartbeats: a worker lives while it beats, and works while it answers."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from db import Database, workers
from db.models import Worker
from tests.support.make import utc_now


def start(database: Database, name: str = "w") -> None:
    with database.writing() as session:
        workers.started(session, name=name, pid=1, device="cpu")


def beat(database: Database, **said: object) -> None:
    known = {"model_version": None, "classified": 1, "progress_age": None}
    with database.writing() as session:
        workers.beat(session, name="w", **{**known, **said})  # type: ignore[arg-type]


def listed(database: Database) -> list[Worker]:
    with database.reading() as session:
        return workers.list_workers(session)


def let_rest(database: Database, seconds: float) -> None:
    """Make the last heartbeat as old."""
    with database.writing() as session:
        before = utc_now() - timedelta(seconds=seconds)
        session.execute(update(Worker).values(heartbeat_at=before))


@pytest.mark.parametrize(("age", "alive"), [(0, True), (17, True), (23, False)])
def test_a_worker_lives_for_four_heartbeats(database: Database, age: float, alive: bool) -> None:
    start(database)
    let_rest(database, age)

    [worker] = listed(database)

    assert workers.is_alive(worker, heartbeat=5) is alive


def test_a_heartbeat_says_what_the_worker_serves_and_misses(database: Database) -> None:
    start(database)
    let_rest(database, 3600)

    beat(database, model_version="v", classified=7, stalled_s=12.5, dropped=2)

    [worker] = listed(database)
    assert (worker.model_version, worker.classified) == ("v", 7)
    assert (worker.stalled_s, worker.dropped, worker.progress_at) == (12.5, 2, None)
    assert worker.heartbeat_age < 60


def test_progress_is_told_by_its_age(database: Database) -> None:
    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="cpu")
        workers.beat(session, name="w", model_version=None, classified=1, progress_age=30.0)

    with database.reading() as session:
        [worker] = workers.list_workers(session)
    assert worker.progress_at is not None
    assert timedelta(seconds=29) < worker.heartbeat_at - worker.progress_at < timedelta(seconds=32)


def test_a_worker_that_stopped_is_not_alive_until_it_starts_again(database: Database) -> None:
    start(database)
    beat(database, classified=7)
    with database.writing() as session:
        workers.stopped(session, "w")
    [stopped] = listed(database)
    assert not workers.is_alive(stopped, heartbeat=5)

    start(database)

    [again] = listed(database)
    assert workers.is_alive(again, heartbeat=5)
    assert (again.classified, again.stopped_at) == (0, None)


def test_workers_are_listed_by_name(database: Database) -> None:
    for name in ("b", "a"):
        start(database, name)

    assert [worker.name for worker in listed(database)] == ["a", "b"]
