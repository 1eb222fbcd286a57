"""A training lets live tickets be answered between two steps, and gets on all the same."""

import threading

import pytest
from sqlalchemy import update

from core.settings import Settings
from db import Database, workers
from db.models import Ticket
from tests.support.away import gone
from tests.support.make import add_tickets, claim_batch
from tests.support.told import Told
from training.runs import courtesy
from training.runs.courtesy import Courtesy


@pytest.fixture
def polite(database: Database, settings: Settings) -> Courtesy:
    """Of a training beside a worker that lives."""
    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="cpu")
    return Courtesy(Told(), database, settings)


def answer_all(database: Database) -> None:
    with database.writing() as session:
        session.execute(update(Ticket).values(status="routed", claim_token=None))


def test_a_step_waits_until_the_live_ticket_is_answered(
    polite: Courtesy, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a live ticket that is answered only after the training has asked for it twice
    add_tickets(database, 1, lane="live")
    asked: list[bool] = []
    is_wanted = polite._is_wanted

    def ask() -> bool:
        asked.append(is_wanted())
        if len(asked) == 1:
            claim_batch(database, lane="live")  # at a worker, it is still waited for
        if len(asked) == 2:
            answer_all(database)
        return asked[-1]

    monkeypatch.setattr(polite, "_is_wanted", ask)

    polite.step(1, 9, None)

    assert asked == [True, True, False]


@pytest.mark.parametrize("lane", ["bulk", "none"])
def test_bulk_tickets_are_not_waited_for(polite: Courtesy, database: Database, lane: str) -> None:
    if lane == "bulk":
        add_tickets(database, 3)

    assert not polite._is_wanted()


def test_without_a_worker_that_lives_nobody_is_waited_for(
    polite: Courtesy, database: Database
) -> None:
    add_tickets(database, 1, lane="live")
    assert polite._is_wanted()

    with database.writing() as session:
        workers.stopped(session, "w")

    assert not polite._is_wanted()


def test_a_stream_without_end_holds_a_step_up_only_so_long(
    polite: Courtesy, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tickets(database, 1, lane="live")
    monkeypatch.setattr(courtesy, "LONGEST_S", 0.2)
    done = threading.Event()

    def two_steps() -> None:
        for step in (1, 2):
            polite.step(step, 9, None)
        done.set()

    threading.Thread(target=two_steps).start()

    assert done.wait(30)
    assert polite.waited > 0


def test_the_last_step_and_a_training_told_so_wait_for_nobody(
    polite: Courtesy, database: Database, settings: Settings
) -> None:
    add_tickets(database, 1, lane="live")

    polite.step(9, 9, None)
    rude = Courtesy(Told(), database, settings.model_copy(update={"training_yields": False}))
    rude.step(1, 9, None)

    assert (polite.waited, rude.waited) == (0, 0)


def test_where_the_database_is_away_the_training_goes_on(
    polite: Courtesy, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tickets(database, 1, lane="live")
    monkeypatch.setattr(database, "reading", gone)

    polite.step(1, 9, None)


def test_lines_and_steps_are_passed_on(database: Database, settings: Settings) -> None:
    told = Told()
    polite = Courtesy(told, database, settings)

    polite.say("a line")
    polite.step(3, 9, 0.5)

    assert told.lines == ["a line"]
    assert told.steps == [(3, 9)]
