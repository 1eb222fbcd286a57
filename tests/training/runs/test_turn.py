"""When a run has the card in turn, when it has to give it back, and how it waits for it."""

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from core.settings import Settings
from db import Database, clock, runs, workers
from db.claims import new_token
from db.models import Ticket
from tests.support.make import add_tickets
from training.runs import turn
from training.runs.turn import await_card, free_memory, is_within, may_begin, takes_turns, why_over

GIB = 1 << 30


def settings(**values: Any) -> Settings:
    return Settings(heartbeat=0.05, **values)


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("", ["00:00", "12:00"], []),
        ("02:00-05:00", ["02:00", "04:59"], ["01:59", "05:00"]),
        ("22:00-04:00", ["22:00", "23:59", "00:00", "03:59"], ["21:59", "04:00"]),
    ],
)
def test_hours_may_go_over_midnight(hours: str, inside: list[str], outside: list[str]) -> None:
    def at(time: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-26T{time}").replace(tzinfo=UTC)

    assert all(is_within(hours, at(time)) for time in inside)
    assert not any(is_within(hours, at(time)) for time in outside)


@pytest.mark.parametrize(
    ("free", "takes"), [(None, False), (15 * GIB, True), (16 * GIB, False), (70 * GIB, False)]
)
def test_auto_takes_turns_where_less_is_free_than_a_run_needs(
    monkeypatch: pytest.MonkeyPatch, free: int | None, takes: bool
) -> None:
    monkeypatch.setattr(turn, "free_memory", lambda: free)

    assert takes_turns(settings(training_card="auto", training_memory="16GiB")) is takes
    assert takes_turns(settings(training_card="take-turns"))
    assert not takes_turns(settings())


@pytest.mark.parametrize(
    ("told", "found"), [("12345", 12345 << 20), ("[N/A]", None), ("", None)], ids=repr
)
def test_free_memory_is_what_the_driver_says_of_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, found: int | None
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\n[ "$last" = GPU-1 ] && echo "{told}"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1")

    assert free_memory() == found

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert free_memory() is None


@pytest.mark.parametrize("script", ["#!/bin/sh\nexec sleep 60\n", "#!/nowhere\n"])
def test_a_driver_that_gives_no_answer_ends_no_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1")
    monkeypatch.setattr(turn, "_QUERY_TIMEOUT_S", 0.1)

    assert free_memory() is None
    assert not takes_turns(settings(training_card="auto"))


def test_a_live_ticket_keeps_a_run_from_the_card_and_takes_it_back_after_its_patience(
    database: Database,
) -> None:
    add_tickets(database, 1)
    patient, impatient = settings(), settings(training_live_wait=60)

    def lane(name: str, seconds: float) -> None:
        values = {"lane": name, "queued_at": clock.after(-seconds)}
        with database.writing() as session:
            session.execute(update(Ticket).values(**values))

    def begins_and_over(some: Settings) -> tuple[bool, str | None]:
        with database.reading() as session:
            return may_begin(session, some), why_over(session, some)

    assert begins_and_over(impatient) == (True, None)  # bulk tickets wait
    lane("live", 30)
    assert begins_and_over(impatient) == (False, None)
    lane("live", 90)
    begins, why = begins_and_over(impatient)
    assert not begins
    assert why is not None
    assert "PAIDAN_TRAINING_LIVE_WAIT" in why
    assert begins_and_over(patient) == (True, None)


def test_a_run_has_the_card_within_its_hours_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "is_within", lambda hours, _: hours != "02:00-05:00")

    with database.reading() as session:
        assert may_begin(session, settings())
        assert not may_begin(session, settings(training_hours="02:00-05:00"))
        why = why_over(session, settings(training_hours="02:00-05:00"))
    assert why == "it is not 02:00-05:00 (PAIDAN_TRAINING_HOURS)"


def test_a_run_waits_until_each_worker_on_its_card_has_let_go(database: Database) -> None:
    token = new_token()
    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="card")
        runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        given = {"holder": "t", "device": "card", "takes_card": True}
        runs.lease(session, token=token, seconds=60, **given)  # type: ignore[arg-type]
        run = runs.find(session, token)
    assert run is not None
    # A heartbeat at which no test's worker is taken for dead
    some = Settings(heartbeat=30)
    waiting = threading.Thread(target=await_card, args=(database, some, run), daemon=True)

    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()

    with database.writing() as session:
        told = {"model_version": None, "classified": 0, "progress_age": None}
        workers.beat(session, name="w", lent_to=run.id, **told)  # type: ignore[arg-type]
    waiting.join(20)
    assert not waiting.is_alive()
