"""What a worker's child holds besides its loop."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from db import Database
from tests.support.make import add_units, promote_constant
from worker.process import WorkerProcess
from worker.shared import make_shared


class Ring:
    """What only the garbage collector frees."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
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
