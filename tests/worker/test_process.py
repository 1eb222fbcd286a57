"""What a worker's child holds besides its loop."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from db import Database, claims, workers
from db.batch import Budget
from tests.support.make import add_tickets, add_units, promote_constant
from tests.support.record import attempts
from worker.process import WorkerProcess
from worker.shared import make_shared


class Ring:
    """What only the garbage collector frees."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    gc.unfreeze()  # what pytest has collected
    yield
    gc.unfreeze()


def test_the_collector_walks_through_a_loaded_model_once(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    # Given a worker's process with a model
    settings = Settings(home=tmp_path, database_url=database_url)
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    process = WorkerProcess(settings, "cpu", make_shared(), lambda: 0.0)
    kept = Ring()

    # When nothing is loaded yet
    process.freeze_loaded()

    # Then all is collected as ever
    assert gc.get_freeze_count() == 0

    # When its model has answered a message
    process.resident.refresh()
    process.freeze_loaded()

    # Then what is there is spared
    assert kept.me is kept
    assert gc.get_freeze_count() > 1000
    frozen = gc.get_freeze_count()
    late = Ring()
    process.freeze_loaded()
    assert gc.get_freeze_count() <= frozen

    # And what comes later is collected as ever
    collected = weakref.ref(late)
    del late
    gc.collect()
    assert collected() is None

    # When another model has come, and what belonged to the first refers to itself
    gone = weakref.ref(kept)
    del kept
    gc.collect()
    assert gone() is not None
    promote_constant(database, settings.resolved_models_dir, ("A", "B", "B", "B"))
    process.resident.refresh()
    process.freeze_loaded()

    # Then it is freed
    assert gone() is None
    process.database.engine.dispose()


def test_a_worker_frees_what_its_dead_predecessor_claimed_and_says_when_it_stops(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    # Given a claim of a process of this name that was killed, and one of another worker
    settings = Settings(home=tmp_path, database_url=database_url, worker_name="w")
    add_tickets(database, 2)
    for worker in ("w", "other"):
        with database.writing() as session:
            claims.claim(
                session,
                token=worker,
                worker=worker,
                own_ids=(),
                lane="bulk",
                budget=Budget(10_000, 1),
                seconds=60,
            )

    # When a worker of this name starts
    process = WorkerProcess(settings, "0: a card", make_shared(), lambda: 0.0)
    process.start()

    # Then that ticket is free, its attempt counted, and the row tells of the worker
    assert attempts(database) == [(1, None, True), (1, "other", False)]
    with database.reading() as session:
        [row] = workers.list_workers(session)
    assert (row.name, row.device, row.stopped_at) == ("w", "0: a card", None)

    # When it stops, then the row says so
    process.stop()
    with database.reading() as session:
        [row] = workers.list_workers(session)
    assert row.stopped_at is not None
    process.database.engine.dispose()
