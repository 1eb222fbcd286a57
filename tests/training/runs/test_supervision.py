"""The watch over a run: heartbeats, cancelling, limits, a lease or a database that is gone."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from core.errors import DatabaseUnavailableError
from core.settings import Settings
from db import Database, clock, run_points, runs
from db.claims import new_token
from db.run_points import Point
from db.run_tables import Run, RunState
from db.runs import Lease
from tests.support.training_runs import quick, run_of
from training.runs import turn
from training.runs.curves import append_point
from training.runs.supervision import Supervision
from training.runs.workplace import Workplace


class Stub:
    """In the place of a process: it ends when it is told to, or by itself after some looks."""

    def __init__(self, looks: int = 10_000, code: int = 0) -> None:
        self.looks, self.code = looks, code
        self.pid = 0
        self.done: list[str] = []

    def exit_code(self) -> int | None:
        self.looks -= 1
        return self.code if self.looks < 0 else None

    def pause(self) -> None:
        self.done.append("pause")

    def go_on(self) -> None:
        self.done.append("go on")

    def end(self) -> None:
        self.done.append("end")
        self.looks, self.code = 0, -9


@pytest.fixture
def times(tmp_path: Path) -> Settings:
    return quick(Settings(home=tmp_path / "home"), heartbeat=0.05)


@pytest.fixture
def lease(database: Database) -> Lease:
    with database.writing() as session:
        runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        held = runs.lease(session, token=new_token(), holder="t", device="cpu", seconds=60)
    assert held is not None
    return held


def watch(
    database: Database,
    settings: Settings,
    lease: Lease,
    process: Stub,
    stop: threading.Event | None = None,
) -> Workplace:
    place = Workplace(settings, lease.run_id)
    place.prepare()
    append_point(place.points, Point(5, 1.0, loss=2.0))
    supervision = Supervision(database, settings, lease, process, place)  # type: ignore[arg-type]
    supervision.see_through(stop or threading.Event())
    return place


def test_points_reach_the_record_and_a_death_is_entered(
    database: Database, times: Settings, lease: Lease
) -> None:
    watch(database, times, lease, Stub(looks=3, code=-11))

    run = run_of(database, lease.run_id)
    assert (run.state, run.deaths, run.lease_token) == ("queued", 1, None)
    with database.reading() as session:
        assert [one.loss for one in run_points.list_points(session, lease.run_id)] == [2.0]


def test_a_checkpoint_is_noted_and_ends_the_count_of_deaths(
    database: Database, times: Settings, lease: Lease
) -> None:
    with database.writing() as session:
        session.get_one(Run, lease.run_id).deaths = 2
    place = Workplace(times, lease.run_id)
    place.prepare()
    place.note_checkpoint(40)

    watch(database, times, lease, Stub(looks=3, code=-9))

    run = run_of(database, lease.run_id)
    assert (run.state, run.checkpoint_step, run.deaths) == ("queued", 40, 1)
    assert run.checkpoint_dir == str(place.checkpoints)

    # A death at the same place counts on
    with database.writing() as session:
        again = runs.lease(session, token=new_token(), holder="t", device="cpu", seconds=60)
    assert again is not None
    watch(database, times, again, Stub(looks=3, code=-9))
    assert run_of(database, lease.run_id).deaths == 2


@pytest.mark.parametrize("left", [40, None])
def test_a_training_that_had_to_start_anew_gets_on_with_its_first_checkpoint(
    database: Database, times: Settings, lease: Lease, left: int | None
) -> None:
    # Given a run whose last checkpoint is on another machine, or damaged
    with database.writing() as session:
        run = session.get_one(Run, lease.run_id)
        run.deaths, run.checkpoint_step = 1, 100
    place = Workplace(times, lease.run_id)
    place.prepare()
    if left is not None:
        place.note_checkpoint(left)

    # When its process dies before it leaves one here, that is a death more
    watch(database, times, lease, Stub(looks=3, code=-9))
    run = run_of(database, lease.run_id)
    assert (run.state, run.checkpoint_step, run.deaths) == ("queued", 100, 2)

    # And once it has left one, it gets on
    class Training(Stub):
        def exit_code(self) -> int | None:
            if self.looks == 2:
                place.note_checkpoint(20)
            return super().exit_code()

    with database.writing() as session:
        again = runs.lease(session, token=new_token(), holder="t", device="cpu", seconds=60)
    assert again is not None
    watch(database, times, again, Training(looks=3, code=-9))
    run = run_of(database, lease.run_id)
    assert (run.state, run.checkpoint_step, run.deaths) == ("queued", 20, 1)


def test_the_last_points_of_a_process_that_has_told_its_outcome_are_kept(
    database: Database, times: Settings, lease: Lease
) -> None:
    with database.writing() as session:
        runs.end(session, lease.token, RunState.DONE)

    watch(database, times, lease, Stub(looks=0))

    assert run_of(database, lease.run_id).state == "done"
    with database.reading() as session:
        assert len(run_points.list_points(session, lease.run_id)) == 1


def test_a_cancelled_run_ends(database: Database, times: Settings, lease: Lease) -> None:
    with database.writing() as session:
        runs.cancel(session, lease.run_id, actor="ann")
    process = Stub()

    watch(database, times, lease, process)

    run = run_of(database, lease.run_id)
    assert (run.state, run.cancelled_by, run.deaths) == ("cancelled", "ann", 0)
    assert process.done == ["end"]


def test_a_run_over_its_limit_fails_with_the_settings_name(
    database: Database, times: Settings, lease: Lease
) -> None:
    watch(database, times.model_copy(update={"run_limit": 0.2}), lease, Stub())

    run = run_of(database, lease.run_id)
    assert run.state == "failed"
    assert run.error == "it was ended after 0.2 s (PAIDAN_RUN_LIMIT)"


def test_a_stopping_trainer_hands_the_run_back(
    database: Database, times: Settings, lease: Lease
) -> None:
    stop = threading.Event()
    stop.set()
    process = Stub()

    watch(database, times, lease, process, stop)

    run = run_of(database, lease.run_id)
    assert (run.state, run.deaths, run.holder) == ("queued", 0, None)
    assert process.done == ["end"]


def test_a_process_whose_lease_was_taken_over_is_ended_and_writes_nothing(
    database: Database, times: Settings, lease: Lease
) -> None:
    # Given a run that another trainer has taken over
    with database.writing() as session:
        session.execute(update(Run).values(lease_until=clock.after(-1)))
    with database.writing() as session:
        runs.free_expired(session)
        other = runs.lease(session, token=new_token(), holder="other", device="gpu", seconds=60)
    process = Stub()

    watch(database, times, lease, process)

    assert process.done == ["end"]
    run = run_of(database, lease.run_id)
    assert other is not None
    assert (run.state, run.holder, run.lease_token) == ("running", "other", other.token)
    with database.reading() as session:
        assert run_points.list_points(session, lease.run_id) == []


def test_a_database_that_is_away_pauses_the_process_before_the_lease_is_over_and_ends_nothing(
    database: Database, times: Settings, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a lease of moments, and a database that is away for longer
    times = times.model_copy(update={"claim": 1.0})
    process = Stub()
    really, tries = runs.beat, list[list[str]]()

    def beat(*args: object, **named: object) -> Run | None:
        tries.append([*process.done])
        if len(tries) >= 2 and process.done.count("pause") < 3:
            raise DatabaseUnavailableError("away")
        if len(tries) >= 2:
            process.looks = 0
        return really(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "beat", beat)

    watch(database, times, lease, process)

    # Then it worked on at first, stood still later, and went on with the first heartbeat
    assert "pause" not in tries[2]
    assert "pause" in tries[-1]
    assert process.done[process.done.index("pause") :].count("end") == 0
    assert process.done[-1] == "go on"


def test_a_database_that_keeps_a_heartbeat_waiting_pauses_the_process_too(
    database: Database, times: Settings, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a lease of moments, and a server that is gone without a word
    times = times.model_copy(update={"claim": 0.5})
    process = Stub()
    really, tries = runs.beat, list[list[str]]()

    def beat(*args: object, **named: object) -> Run | None:
        tries.append([*process.done])
        if len(tries) == 2:
            time.sleep(1)
            raise DatabaseUnavailableError("away")
        if len(tries) == 3:
            process.looks = 0
        return really(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "beat", beat)

    watch(database, times, lease, process)

    assert tries[2][-1] == "pause"
    assert process.done[-1] == "go on"


def test_a_database_that_goes_away_between_heartbeat_and_turn_ends_nothing(
    database: Database, times: Settings, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        session.execute(update(Run).values(takes_card=True))
    process = Stub(looks=8, code=-9)
    asked: list[int] = []

    def why_over(*_: object) -> str | None:
        asked.append(1)
        if len(asked) == 1:
            raise DatabaseUnavailableError("away")
        return None

    monkeypatch.setattr(turn, "why_over", why_over)

    watch(database, times, lease, process)

    assert len(asked) > 1
    assert "end" not in process.done


@pytest.mark.parametrize("takes_card", [True, False])
def test_a_run_whose_turn_is_over_waits_again_without_a_death(
    database: Database,
    times: Settings,
    lease: Lease,
    monkeypatch: pytest.MonkeyPatch,
    *,
    takes_card: bool,
) -> None:
    monkeypatch.setattr(turn, "why_over", lambda *_: "it is morning")
    with database.writing() as session:
        session.execute(update(Run).values(takes_card=takes_card))
    process = Stub(looks=3)

    watch(database, times, lease, process)

    run = run_of(database, lease.run_id)
    if takes_card:
        assert process.done == ["end"]
        assert (run.state, run.deaths, run.takes_card) == ("queued", 0, False)
    else:
        assert "end" not in process.done
