"""The Celery task and the signals of a worker's child, in this process."""

import gc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.broker import CLASSIFY_TASK
from core.errors import DatabaseUnavailableError
from core.place import place_of
from core.settings import Settings
from db import Database, workers
from db.models import Status
from tests.support.make import add_tickets, add_units, promote_constant
from tests.support.record import statuses
from tests.support.shadow import put_in_shadow, shadow_answers
from worker import tasks
from worker.shared import make_shared


@pytest.fixture(autouse=True)
def child(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A child that has just been forked, with settings of this test."""
    monkeypatch.setattr(tasks, "get_settings", lambda: settings)
    monkeypatch.setattr(tasks, "_shared", make_shared())
    monkeypatch.setattr(tasks, "_process", None)
    monkeypatch.setattr(tasks, "_watchdog", None)
    yield
    if tasks._process is not None:
        with suppress(DatabaseUnavailableError):
            tasks._process.stop()
        tasks._process.database.engine.dispose()
    gc.unfreeze()


def test_the_task_has_the_name_that_producers_send_to() -> None:
    assert tasks.classify.name == CLASSIFY_TASK == "worker.tasks.classify"


def test_a_message_is_worked_off_by_the_process_which_it_starts(
    database: Database, settings: Settings
) -> None:
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    ids = add_tickets(database, 3)

    assert tasks.classify(ids, "bulk") == 3

    assert statuses(database) == [Status.ROUTED] * 3
    with database.reading() as session:
        [row] = workers.list_workers(session)
    assert (row.name, row.device) == (settings.resolved_worker_name, place_of("cpu"))


def test_a_message_without_ids_is_the_shadows_turn(database: Database, settings: Settings) -> None:
    add_units(database)
    put_in_shadow(database, settings.resolved_models_dir)
    ids = add_tickets(database, 2)
    tasks.classify(ids, "bulk")
    assert shadow_answers(database) == []

    tasks.classify([], "bulk")

    assert shadow_answers(database) == [(i, "A", "B") for i in ids]


def test_a_process_that_could_not_start_is_started_by_the_next_message(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that is not up yet
    ids = add_tickets(database, 1)
    started = workers.started
    opened: list[Any] = []

    def gone(session: Session, **_: object) -> None:
        opened.append(session.get_bind())
        raise DatabaseUnavailableError("not up yet")

    monkeypatch.setattr(workers, "started", gone)
    with pytest.raises(DatabaseUnavailableError):
        tasks.classify(ids, "bulk")
    opened.pop().dispose()

    # When it is, then the message is worked off
    monkeypatch.setattr(workers, "started", started)
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    assert tasks.classify(ids, "bulk") == 1


def test_a_parent_that_is_told_to_stop_tells_its_child(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that claims one ticket at a time, and three that wait
    settings = settings.model_copy(update={"max_batch": 1})
    monkeypatch.setattr(tasks, "get_settings", lambda: settings)
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    ids = add_tickets(database, 3)

    # When the parent is told to stop before the message is taken
    tasks._on_shutdown()

    # Then the child ends with the batch at hand, and the row says it ended on purpose
    assert tasks.classify(ids, "bulk") == 1
    tasks._on_child_stop()
    with database.reading() as session:
        [row] = workers.list_workers(session)
    assert row.stopped_at is not None
