"""``paidan status``: what it tells of rejects."""

import logging
from typing import Any

import pytest

from core.broker import INGEST_REJECTS
from core.settings import Settings
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
