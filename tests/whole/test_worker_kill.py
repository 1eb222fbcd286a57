"""The delivery contract with real processes: whatever is killed or lost, no ticket is.

These run a Celery worker and a relay as they run in production, against a real Valkey and both
databases, and kill them with SIGKILL while they work.
"""

import itertools
import os
import random
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from core.broker import make_redis
from core.publisher import Publisher
from core.settings import Settings
from db import Database, report
from db.models import Classification, Status, Ticket
from producer import Submitter
from registry.writer import TrainedVersion
from tests.support.llm import promote_llm
from tests.support.make import add_tickets, add_units, new_ticket, promote_constant
from tests.support.processes import Process, relay, wait_until, worker

pytestmark = pytest.mark.kill

# Of worker children and of parents each. Celery takes some five seconds to see that its child is
# dead, so the suite kills fewer, among fewer tickets; all with TEST_KILLS=20 (some minutes).
ALL_KILLS = 20
KILLS_OF_EACH = int(os.environ.get("TEST_KILLS", "5"))
ALL_TICKETS = 5000
TICKETS = ALL_TICKETS if KILLS_OF_EACH >= ALL_KILLS else 400 * KILLS_OF_EACH
# An LLM's process takes seconds to start; all with TEST_LLM_KILLS=20.
LLM_TICKETS = 300
LLM_KILLS_OF_EACH = int(os.environ.get("TEST_LLM_KILLS", "1"))
# The contract's bound on the time from a kill to the next claim.
RECOVERY_S = 60


@pytest.fixture
def quick_settings(settings: Settings, database: Database) -> Settings:
    """The contract's times, with a relay that looks every second and batches of 32."""
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    return settings.model_copy(update={"relay_sweep": 1.0, "max_batch": 32})


def count(database: Database, *conditions: object) -> int:
    with database.reading() as session:
        query = select(func.count()).select_from(Ticket).where(*conditions)  # type: ignore[arg-type]
        return session.scalar(query) or 0


def closed(database: Database) -> int:
    return count(database, Ticket.status != Status.QUEUED)


@pytest.fixture
def llm_settings(
    quick_settings: Settings, database: Database, llm_version: TrainedVersion
) -> Settings:
    """The same with an LLM as champion."""
    promote_llm(database, quick_settings.resolved_models_dir, llm_version)
    return quick_settings


@pytest.mark.timeout(300)
def test_no_ticket_is_lost_or_answered_twice_under_kills_and_two_flushes(
    database: Database, quick_settings: Settings, tmp_path: Path
) -> None:
    endure(database, quick_settings, tmp_path, tickets=TICKETS, kills_of_each=KILLS_OF_EACH)


@pytest.mark.timeout(180 + 60 * LLM_KILLS_OF_EACH)
@pytest.mark.parametrize(
    "database_url",
    ["postgresql"] if LLM_KILLS_OF_EACH < ALL_KILLS else ["sqlite", "postgresql"],
    indirect=True,
)
def test_no_ticket_is_lost_or_answered_twice_with_an_llm_under_kills_and_flushes(
    database: Database, llm_settings: Settings, tmp_path: Path
) -> None:
    count = LLM_TICKETS if LLM_KILLS_OF_EACH < ALL_KILLS else ALL_TICKETS
    endure(database, llm_settings, tmp_path, tickets=count, kills_of_each=LLM_KILLS_OF_EACH)


def endure(
    database: Database,
    quick_settings: Settings,
    tmp_path: Path,
    *,
    tickets: int,
    kills_of_each: int,
) -> None:
    """Kill and flush while a worker classifies; then check that nothing is missing or doubled."""
    # Given tickets whose every message is delivered three times
    ids = add_tickets(database, tickets)
    publisher = Publisher(quick_settings)
    for _ in range(3):
        publisher.publish({"bulk": ids})
    redis = make_redis(quick_settings)
    kills = itertools.cycle(("child", "parent"))
    step = tickets // (2 * kills_of_each + 2)
    phase = random.Random(1)

    # When worker child and parent are killed in turn while they work, and Redis is emptied twice
    with (
        relay(quick_settings, tmp_path / "relay.log"),
        worker(quick_settings, tmp_path / "worker.log", "paced") as process,
    ):
        for number, kill in zip(range(1, 2 * kills_of_each + 1), kills, strict=False):
            wait_until(
                lambda goal=number * step: closed(database) >= goal,  # type: ignore[misc]
                RECOVERY_S,
                f"progress before kill {number}",
            )
            if number in (kills_of_each // 2, 3 * kills_of_each // 2):
                redis.flushall()
            # Not in step with the batches: a kill right after each commit would always meet the
            # ticket that runs alone then, and what has been killed three times counts as poison.
            time.sleep(phase.uniform(0, _cycle(database)))
            _kill(process, kill)
            before = closed(database)  # the killed adds no more
            if kill == "parent":
                process.start()
            _wait_for_commit(database, before, f"claim after {kill}")
        wait_until(lambda: closed(database) == tickets, RECOVERY_S, "the last ticket")

    # Then every ticket has exactly one answer of the one version in its round
    with database.reading() as session:
        rows = session.execute(
            select(Classification.ticket_id, func.count()).group_by(Classification.ticket_id)
        ).all()
        assert sorted(i for i, _ in rows) == sorted(ids)
        assert {number for _, number in rows} == {1}
    assert count(database, Ticket.status.in_((Status.ROUTED, Status.REVIEW))) == tickets
    assert count(database, Ticket.claim_token.is_not(None)) == 0


def _cycle(database: Database) -> float:
    """Return how long the worker takes now for a batch and a solo ticket, in seconds."""
    began = time.monotonic()
    for _ in range(2):
        _wait_for_commit(database, closed(database), "a commit")
    return time.monotonic() - began


def _wait_for_commit(database: Database, before: int, what: str) -> None:
    wait_until(lambda: closed(database) > before, RECOVERY_S, what)


def _kill(process: Process, what: str) -> None:
    """Kill and wait until the child is dead: it ends with its parent, but a moment later."""
    children: list[psutil.Process] = []

    def found() -> bool:
        children.extend(process.children())
        return bool(children)

    wait_until(found, RECOVERY_S, "a child")
    if what == "parent":
        process.kill()
    else:
        for child in children:
            child.kill()
    wait_until(lambda: all(map(_is_dead, children)), RECOVERY_S, "their death")


def _is_dead(process: psutil.Process) -> bool:
    """Whether a process does no more; its parent may take seconds to reap it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_poison_ticket_dies_after_three_attempts_and_takes_nobody_with_it(
    database: Database, quick_settings: Settings, tmp_path: Path
) -> None:
    # Given a batch of 32 with one ticket that kills its process
    submitter = Submitter(database, Publisher(quick_settings), ())
    texts = ["这里有毒" if number == 17 else f"路灯坏了 {number}" for number in range(32)]
    batch = [new_ticket(number, text=text.replace("坏", "灭")) for number, text in enumerate(texts)]
    ids = submitter.submit(batch).ids

    # When a worker takes it
    with (
        relay(quick_settings, tmp_path / "relay.log"),
        worker(quick_settings, tmp_path / "worker.log", "poison"),
    ):
        wait_until(lambda: closed(database) == 32, 120, "all 32 closed")

    # Then the poison is dead with its reason, and the other 31 are classified
    with database.reading() as session:
        closed_as = report.closed_among(session, ids)
        [dead] = report.dead_tickets(session, limit=10)
        answered = set(session.scalars(select(Classification.ticket_id)))
    assert (dead.id, dead.attempts) == (ids[17], 3)
    assert dead.dead_reason is not None
    assert "died" in dead.dead_reason
    assert answered == set(ids) - {ids[17]}
    assert set(closed_as.values()) <= {Status.ROUTED, Status.REVIEW, Status.DEAD}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # tests/worker has both
def test_a_ticket_the_model_fails_on_dies_with_the_kind_and_place_of_its_error(
    database: Database, quick_settings: Settings, tmp_path: Path
) -> None:
    submitter = Submitter(database, Publisher(quick_settings), ())
    ids = submitter.submit([new_ticket(1, text="路灯坏了"), new_ticket(2, text="好的")]).ids

    with (
        relay(quick_settings, tmp_path / "relay.log"),
        worker(quick_settings, tmp_path / "worker.log", "poison"),
    ):
        wait_until(lambda: closed(database) == 2, 60, "both closed")

    with database.reading() as session:
        [dead] = report.dead_tickets(session, limit=10)
        assert report.closed_among(session, ids)[ids[1]] == Status.ROUTED
    assert dead.id == ids[0]
    place = "RuntimeError at support/worker_with_test_models.py"
    reason = f"3 attempts: it cannot be classified: {place}"
    assert (dead.dead_reason or "").startswith(reason)
    assert "cannot digest" not in (tmp_path / "worker.log").read_text()


def test_a_clean_stop_gives_attempts_back_and_leaves_the_rest_queued(
    database: Database, quick_settings: Settings, tmp_path: Path
) -> None:
    # Given a worker in the middle of a long message
    ids = add_tickets(database, 2000)
    Publisher(quick_settings).publish({"bulk": ids})
    with worker(quick_settings, tmp_path / "worker.log", "paced") as process:
        wait_until(lambda: closed(database) > 0, 60, "the first batch")

        # When it is told to stop
        process.popen.terminate()  # type: ignore[union-attr]
        code = process.popen.wait(quick_settings.stop_grace)  # type: ignore[union-attr]

    # Then it ends in time, holds nothing, and no ticket lost an attempt
    assert code == 0
    assert count(database, Ticket.claim_token.is_not(None)) == 0
    assert count(database, Ticket.status == Status.QUEUED, Ticket.attempts > 0) == 0
    assert 0 < closed(database) < len(ids)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the lock is a file
def test_a_second_worker_of_the_same_name_is_refused(
    database: Database, quick_settings: Settings, tmp_path: Path
) -> None:
    add_tickets(database, 1)
    with worker(quick_settings, tmp_path / "first.log") as first:
        lock = quick_settings.resolved_home / "run"
        wait_until(lambda: lock.exists() and any(lock.iterdir()), 30, "the first worker's lock")
        with worker(quick_settings, tmp_path / "second.log") as second:
            assert second.popen is not None
            assert second.popen.wait(30) == 1
        assert first.popen is not None
        assert first.popen.poll() is None
    assert "PAIDAN_WORKER_NAME" in (tmp_path / "second.log").read_text()
