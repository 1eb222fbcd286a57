"""The trainer's look: it takes over, clears up, and sees one run through."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.errors import DatabaseUnavailableError
from core.settings import Settings
from db import Database, clock, runs
from db.claims import new_token
from db.run_tables import Run, RunState
from tests.support.make import promote_constant
from tests.support.training_runs import left_in_home, quick, run_of, versions_in
from training.runs import trainer
from training.runs.process import RunProcess
from training.runs.trainer import Trainer
from training.runs.workplace import Workplace


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return quick(Settings(home=tmp_path / "home", trainer_name="t"))


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In the place of a run's process: one that ends at once; the runs that got one."""
    started: list[int] = []

    class Stillborn(RunProcess):
        def __init__(self, _settings: Settings, run_id: int, _token: str, _folder: Path) -> None:
            started.append(run_id)

        def exit_code(self) -> int | None:
            return 1

        def end(self) -> None:
            return

    monkeypatch.setattr(trainer, "RunProcess", Stillborn)
    return started


def a_trainer(database: Database, settings: Settings) -> Trainer:
    return Trainer(database, settings, "cpu", threading.Event())


def ask(database: Database) -> int:
    with database.writing() as session:
        return runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")


def lease(database: Database, holder: str, device: str = "gpu") -> str:
    token = new_token()
    with database.writing() as session:
        assert runs.lease(session, token=token, holder=holder, device=device, seconds=60)
    return token


def test_a_run_is_worked_off_until_it_has_died_three_times(
    database: Database, settings: Settings, processes: list[int]
) -> None:
    run_id, looking = ask(database), a_trainer(database, settings)

    assert [looking.look() for _ in range(4)] == [True, True, True, False]

    assert processes == [run_id] * 3
    run = run_of(database, run_id)
    assert run.state == "failed"
    assert "exit code 1" in (run.error or "")


@pytest.mark.parametrize("dead", ["of this name", "expired"])
def test_what_a_dead_trainer_left_is_taken_over(
    database: Database, settings: Settings, processes: list[int], dead: str
) -> None:
    run_id = ask(database)
    lease(database, "t" if dead == "of this name" else "other")
    if dead == "expired":
        with database.writing() as session:
            session.execute(update(Run).values(lease_until=clock.after(-1)))

    assert a_trainer(database, settings).look()

    assert processes == [run_id]


def test_what_another_trainer_is_at_work_on_is_left_alone(
    database: Database, settings: Settings, processes: list[int]
) -> None:
    ask(database)
    lease(database, "other")

    looking = a_trainer(database, settings)
    assert [looking.look(), looking.look()] == [False, False]
    assert processes == []


def test_its_own_runs_are_freed_at_its_first_look_alone(
    database: Database, settings: Settings, processes: list[int]
) -> None:
    looking = a_trainer(database, settings)
    assert not looking.look()
    ask(database)
    lease(database, "t")

    assert not looking.look()
    assert processes == []


class Forgetful(Database):
    """Loses its answer once: the first time that a run is leased, after that is committed."""

    is_lost = False

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with super().writing() as session:
            yield session
        with self.reading() as session:
            is_leased = session.scalar(select(Run.lease_token)) is not None
        if is_leased and not self.is_lost:
            self.is_lost = True
            raise DatabaseUnavailableError("server closed the connection unexpectedly")


def test_a_lease_whose_commit_was_not_answered_is_found_again_and_nothing_has_died(
    database_url: str, settings: Settings, processes: list[int]
) -> None:
    # Given a database that dies when it has committed a lease
    database = Forgetful(database_url)
    run_id, looking = ask(database), a_trainer(database, settings)
    with pytest.raises(DatabaseUnavailableError):
        looking.look()
    assert (run_of(database, run_id).state, processes) == ("running", [])

    # When the trainer looks again
    assert looking.look()

    # Then it works on the run under that lease
    assert processes == [run_id]
    assert run_of(database, run_id).attempts == 1
    database.engine.dispose()


class Away(Database):
    """Is away at its first transaction, and counts them."""

    asked = 0

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self.asked += 1
        if self.asked == 1:
            raise DatabaseUnavailableError("connection refused")
        with super().writing() as session:
            yield session


def test_after_an_outage_other_trainers_may_prolong_their_leases_before_one_is_freed(
    database: Database, database_url: str, settings: Settings, processes: list[int]
) -> None:
    # Given another trainer's lease that ran out while the database was away
    run_id = ask(database)
    lease(database, "other")
    with database.writing() as session:
        session.execute(update(Run).values(lease_until=clock.after(-1)))

    # When this one could not ask, and then can, within two heartbeats
    away, called = Away(database_url), threading.Event()
    looking = Trainer(away, settings.model_copy(update={"heartbeat": 3600}), "cpu", called)
    thread = threading.Thread(target=looking.run)
    thread.start()
    while away.asked < 3:
        called.set()
        thread.join(0.05)
    looking.stop()
    thread.join(20)

    # Then the lease still counts
    assert (run_of(database, run_id).holder, processes) == ("other", [])
    away.engine.dispose()


def test_a_busy_device_waits(database: Database, settings: Settings, processes: list[int]) -> None:
    ask(database), ask(database)
    lease(database, "other", "cpu")

    assert not a_trainer(database, settings).look()
    assert processes == []


def test_a_device_whose_last_process_still_ends_is_waited_for(
    database: Database, settings: Settings, processes: list[int]
) -> None:
    # Given another trainer of this home, whose run has ended and whose process has not
    run_id = ask(database)
    other = a_trainer(database, settings)
    assert other._device_lock.try_acquire()

    assert not a_trainer(database, settings).look()
    assert run_of(database, run_id).state == "queued"

    other._device_lock.release()
    assert a_trainer(database, settings).look()
    assert processes == [run_id]


def test_what_ended_runs_left_is_cleared_and_nothing_else(
    database: Database, settings: Settings
) -> None:
    # Given a run that ended, one that ended while its process lives, and one that waits; the first
    # had made a version that is registered, the second one that is not
    first, second, third = ask(database), ask(database), ask(database)
    known = promote_constant(database, settings.resolved_models_dir)
    for run_id, made in ((first, known), (second, "linear-lost"), (third, "")):
        place = Workplace(settings, run_id)
        place.prepare()
        place.made.write_text(made)
    (settings.resolved_models_dir / "linear-lost").mkdir()
    for _ in (first, second):
        token = lease(database, "other")
        with database.writing() as session:
            runs.end(session, token, RunState.CANCELLED)
    lease(database, "other")
    alive = Workplace(settings, second).lock().acquire()

    # When a trainer looks
    a_trainer(database, settings).look()

    # Then the first left nothing, and the others all
    assert left_in_home(settings) == ["2", "3", "training-run-2.lock"]
    assert versions_in(settings) == [".run-2", ".run-3", known, "linear-lost"]

    # And once the process has ended, its version is gone, too
    alive.release()
    a_trainer(database, settings).look()
    assert left_in_home(settings) == ["3"]
    assert versions_in(settings) == [".run-3", known]


def test_what_a_machine_left_that_never_came_back_is_cleared_beside_the_versions(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    # Given a run of another home, whose version nobody registered, and one of another installation
    run_id, token = ask(database), lease(database, "other")
    there = settings.model_copy(
        update={"home": tmp_path / "other", "models_dir": settings.resolved_models_dir}
    )
    for one in (run_id, 99):
        Workplace(there, one).prepare()
    (settings.resolved_models_dir / "linear-lost").mkdir()
    with database.writing() as session:
        runs.note(session, token, version="linear-lost")

    # While it is at work, nothing is touched
    a_trainer(database, settings).look()
    assert versions_in(settings) == [".run-1", ".run-99", "linear-lost"]

    # And once it has ended, what it left is gone
    with database.writing() as session:
        runs.end(session, token, RunState.CANCELLED)
    a_trainer(database, settings).look()
    assert versions_in(settings) == [".run-99"]
    assert left_in_home(settings) == []


def test_a_trainer_looks_when_it_is_called_and_ends_when_it_is_stopped(
    database: Database, settings: Settings, processes: list[int]
) -> None:
    # Given one that would look again in an hour only
    called = threading.Event()
    settings = settings.model_copy(update={"heartbeat": 3600})
    looking = Trainer(database, settings, "cpu", called)
    thread = threading.Thread(target=looking.run)
    thread.start()
    run_id = ask(database)

    # When it is called
    while not processes:
        called.set()
        thread.join(0.05)

    assert processes[0] == run_id
    looking.stop()
    thread.join(20)
    assert not thread.is_alive()


def test_a_run_that_wants_the_card_waits_for_its_hours(
    database: Database, settings: Settings, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = False
    monkeypatch.setattr(trainer, "may_begin", lambda *_: now)
    turns = settings.model_copy(update={"training_card": "take-turns"})
    run_id = ask(database)

    assert not a_trainer(database, turns).look()
    assert (run_of(database, run_id).state, processes) == ("queued", [])

    now = True
    assert a_trainer(database, turns).look()
    assert processes == [run_id]


def test_who_shares_the_card_waits_for_no_hours(
    database: Database, settings: Settings, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "may_begin", lambda *_: False)
    run_id = ask(database)

    assert a_trainer(database, settings).look()
    assert processes == [run_id]
