"""One card in turns, with real processes: a worker leaves it to a run, and takes it back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from core.publisher import Publisher
from core.settings import Settings
from db import Database, runs
from db.models import Worker
from producer import Submitter
from tests.support.llm import promote_llm, themed_samples
from tests.support.llm_versions import added_base, random_llm
from tests.support.make import add_units, new_ticket
from tests.support.processes import Process, relay, wait_until, worker
from tests.support.record import statuses
from tests.support.training_runs import ask_for_run, quick, state_of, trainer

pytestmark = pytest.mark.kill


@pytest.fixture
def turns(settings: Settings) -> Settings:
    """Half-second heartbeats; a lease that its trainer does not prolong ends after 16 seconds."""
    times = {"hard_limit": 15, "claim": 16, "visibility": 20}
    return quick(settings, relay_sweep=0.5, training_card="take-turns", **times)


@pytest.fixture
def champion(database: Database, turns: Settings, tmp_path: Path) -> str:
    add_units(database)
    base = added_base(tmp_path, turns.resolved_models_dir, "llama")
    return promote_llm(
        database, turns.resolved_models_dir, random_llm(turns.resolved_models_dir, base)
    )


@contextmanager
def serving(database: Database, settings: Settings, folder: Path, name: str) -> Iterator[Process]:
    with (
        worker(settings, folder / "worker.log") as process,
        relay(settings, folder / "relay.log"),
    ):
        wait_until(lambda: row_of(database) == (name, None), 90, "the worker has the champion")
        yield process


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


def test_the_worker_leaves_the_card_to_a_run_and_tickets_wait_until_it_is_back(
    database: Database, turns: Settings, champion: str, tmp_path: Path
) -> None:
    with serving(database, turns, tmp_path, champion), trainer(turns, tmp_path / "trainer.log"):
        push(database, turns, range(3))
        wait_until(lambda: is_answered(database, 3), 60, "the first tickets are answered")

        # When a run takes the card, in the midst of tickets
        run_id = ask_for_run(database, turns, themed_samples())
        push(database, turns, range(3, 6))
        wait_until(lambda: row_of(database) == (None, run_id), 60, "the card is lent")
        waiting = statuses(database).count("queued")
        push(database, turns, range(6, 9))
        wait_until(lambda: "card.taken" in log_of(tmp_path, "trainer"), 60, "the run trains")
        assert state_of(database, run_id) == "running"
        assert statuses(database).count("queued") == waiting + 3

        # Then all of them are answered once it has ended
        with database.writing() as session:
            runs.cancel(session, run_id, actor="ann")
        wait_until(lambda: row_of(database) == (champion, None), 60, "the worker is back")
        wait_until(lambda: is_answered(database, 9), 60, "all tickets are answered")

    log = log_of(tmp_path, "worker")
    actions = ["model.loaded", "card.lent", "process.replaced", "card.returned"]
    places = [log.find(f"action={action}") for action in actions]
    assert -1 not in places
    assert places == sorted(places)


def test_a_trainer_that_is_killed_with_the_card_in_hand_gives_it_back(
    database: Database, turns: Settings, champion: str, tmp_path: Path
) -> None:
    with serving(database, turns, tmp_path, champion):
        with trainer(turns, tmp_path / "trainer.log") as process:
            run_id = ask_for_run(database, turns, themed_samples())
            wait_until(lambda: row_of(database) == (None, run_id), 60, "the card is lent")
            process.kill()
        push(database, turns, range(3))

        wait_until(lambda: row_of(database) == (champion, None), 60, "the worker is back")
        wait_until(lambda: is_answered(database, 3), 60, "the tickets are answered")
    assert state_of(database, run_id) in ("running", "queued")
