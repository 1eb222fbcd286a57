"""One card in turns, with real processes: a worker leaves it to a run, and takes it back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core.publisher import Publisher
from core.settings import Settings
from db import Database, runs
from db.models import ModelVersion, Worker
from producer import Submitter
from tests.support.llm import themed_samples
from tests.support.make import add_units, new_ticket, promote_constant
from tests.support.processes import relay, wait_until, worker
from tests.support.record import statuses
from tests.support.training_runs import ask_for_run, quick, state_of, trainer

pytestmark = pytest.mark.kill


@pytest.fixture
def turns(settings: Settings) -> Settings:
    """Half-second heartbeats; a lease that its trainer does not prolong ends after 16 seconds."""
    times = {"hard_limit": 15, "claim": 16, "visibility": 20}
    return quick(settings, relay_sweep=0.5, training_card="take-turns", **times)


@pytest.fixture
def champion(database: Database, turns: Settings) -> str:
    """A constant version that record and worker take for an LLM."""
    add_units(database)
    name = promote_constant(database, turns.resolved_models_dir)
    with database.writing() as session:
        session.execute(update(ModelVersion).values(kind="llm"))
    return name


@contextmanager
def serving(database: Database, settings: Settings, name: str, folder: Path) -> Iterator[None]:
    with (
        worker(settings, folder / "worker.log", "card"),
        relay(settings, folder / "relay.log"),
    ):
        wait_until(lambda: row_of(database) == (name, None), 90, "the worker has the champion")
        yield


def row_of(database: Database) -> tuple[str | None, int | None] | None:
    """What the worker answers with, and to which run its card is lent; None if none lives."""
    with database.reading() as session:
        row = session.execute(
            select(Worker.model_version, Worker.lent_to).where(Worker.stopped_at.is_(None))
        ).first()
    return None if row is None else (row[0], row[1])


def push(database: Database, settings: Settings, numbers: range) -> None:
    submitter = Submitter(database, Publisher(settings), ())
    submitter.submit([new_ticket(n, lane="live") for n in numbers])


def log_of(folder: Path, part: str) -> str:
    return (folder / f"{part}.log").read_text("utf-8")


def is_answered(database: Database, count: int) -> bool:
    found = statuses(database)
    return len(found) == count and set(found) <= {"routed", "review"}


def test_a_killed_trainer_gives_the_card_back(
    database: Database, turns: Settings, champion: str, tmp_path: Path
) -> None:
    with (
        serving(database, turns, champion, tmp_path),
        trainer(turns, tmp_path / "trainer.log") as process,
    ):
        run_id = lend(database, turns, tmp_path)

        process.kill()

        wait_until_back(database, champion)
        # Its lease has expired, and the next trainer goes on with it
        assert state_of(database, run_id) == "running"
    check_order(tmp_path)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_run_that_has_ended_gives_the_card_back(
    database: Database, turns: Settings, champion: str, tmp_path: Path
) -> None:
    with serving(database, turns, champion, tmp_path), trainer(turns, tmp_path / "trainer.log"):
        run_id = lend(database, turns, tmp_path)

        with database.writing() as session:
            runs.cancel(session, run_id, actor="ann")

        wait_until_back(database, champion)
        assert state_of(database, run_id) == "cancelled"
    check_order(tmp_path)


def lend(database: Database, settings: Settings, folder: Path) -> int:
    """Have a run take the card in the midst of tickets; those that come then wait."""
    push(database, settings, range(3))
    wait_until(lambda: is_answered(database, 3), 60, "the first tickets are answered")
    run_id = ask_for_run(database, settings, themed_samples())
    push(database, settings, range(3, 6))
    wait_until(lambda: row_of(database) == (None, run_id), 60, "the card is lent")
    waiting = statuses(database).count("queued")
    push(database, settings, range(6, 9))
    wait_until(lambda: "card.taken" in log_of(folder, "trainer"), 60, "the run trains")
    assert statuses(database).count("queued") == waiting + 3
    return run_id


def wait_until_back(database: Database, champion: str) -> None:
    wait_until(lambda: row_of(database) == (champion, None), 60, "the worker is back")
    wait_until(lambda: is_answered(database, 9), 60, "all tickets are answered")


def check_order(folder: Path) -> None:
    log = log_of(folder, "worker")
    actions = ["model.loaded", "card.lent", "process.replaced", "card.returned"]
    places = [log.find(f"action={action}") for action in actions]
    assert -1 not in places
    assert places == sorted(places)
