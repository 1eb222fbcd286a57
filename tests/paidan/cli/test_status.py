"""``paidan status``: counts, what is missing, workers and rejects."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from core.broker import INGEST_REJECTS
from core.settings import Settings, load_settings
from db import open_database, workers
from producer.stream.ingest import Ingest
from tests.support.cli import Cli
from tests.support.streams import TicketStream


@pytest.fixture
def as_environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(settings: Settings) -> None:
        logging.getLogger().setLevel(logging.WARNING)
        for name, value in settings.as_environment().items():
            monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_status_tells_how_many_were_rejected_and_how_many_of_them_are_kept(
    ingest: Ingest, stream: TicketStream, settings: Settings, cli: Cli, as_environment: Any
) -> None:
    as_environment(settings)
    for number in range(3):
        stream.add(external_id=str(number), text="")
    ingest.take_batch(0)
    stream.redis.xtrim(INGEST_REJECTS, maxlen=1, approximate=False)

    assert '"rejects": {"total": 3, "kept": 1}' in " ".join(cli("status", "--json").out.split())
    assert "rejects    3 stream entries, 1 of them kept" in cli("status").out

    stream.redis.set(INGEST_REJECTS, "of another type")
    assert "rejects    not known" in cli("status").out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_status_without_redis_tells_no_number_of_rejects(
    settings: Settings, cli: Cli, as_environment: Any
) -> None:
    as_environment(settings.model_copy(update={"redis_url": "unix:///nonexistent/redis.sock"}))

    shown = cli("status", "--json")

    assert shown.code == 0
    assert '"rejects": null' in shown.out
    assert "rejects    not known" in cli("status").out


def test_status_counts_and_names_what_is_missing(cli: Cli, answered: Path) -> None:
    state = json.loads(cli("status", "--json").out)

    assert sum(sum(lanes.values()) for lanes in state["tickets"].values()) == 3
    assert state["champion"].startswith("linear-")
    assert (state["queues"], state["workers"], state["claimed"]) == (None, [], 0)
    shown = cli("status").out
    in_review = sum(state["tickets"]["review"].values())
    assert sum(state["review"].values()) == in_review > 0
    assert set(state["review"]) <= {"doubtful", "no_unit"}
    assert all(f"{count} {why}" in shown for why, count in state["review"].items())
    assert "Redis does not answer" in shown
    assert "none yet: paidan up" in shown


def test_status_says_why_a_worker_without_its_card_answers_nobody(cli: Cli, answered: Path) -> None:
    database = open_database(load_settings())
    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="cpu")
        told = {"model_version": None, "classified": 0, "progress_age": None}
        workers.beat(session, name="w", lent_to=7, **told)  # type: ignore[arg-type]
    database.engine.dispose()

    assert "run 7 has its card" in cli("status").out


@pytest.mark.parametrize(("seconds", "state"), [(1.0, "alive"), (20.0, "stalled")])
def test_status_tells_of_a_worker_that_no_message_reaches(
    cli: Cli, answered: Path, seconds: float, state: str
) -> None:
    database = open_database(load_settings())
    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="cpu")
        workers.beat(
            session,
            name="w",
            model_version=None,
            classified=0,
            progress_age=None,
            stalled_s=seconds,
            dropped=3,
        )
    database.engine.dispose()

    [told] = json.loads(cli("status", "--json").out)["workers"]
    shown = cli("status").out

    assert (told["state"], told["stalled_s"], told["dropped_messages"]) == (state, seconds, 3)
    assert "3 messages dropped" in shown
    assert ("no message for 20 s" in shown) == (state == "stalled")
