"""Where no ticket moves on, the first thing that is missing is named."""

import pytest

from core.settings import Settings, get_settings
from db import Database, workers
from paidan.progress.stall import why_stalled
from tests.support.make import add_units, promote_constant


@pytest.fixture(autouse=True)
def _configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()


def test_a_redis_that_does_not_answer_goes_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAIDAN_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()

    assert "127.0.0.1:1" in why_stalled(database)


def test_then_a_model_and_then_a_worker(database: Database, settings: Settings) -> None:
    assert "no model is promoted" in why_stalled(database)

    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    assert "no worker is alive" in why_stalled(database)

    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="cpu")
    assert "the workers are alive" in why_stalled(database)

    with database.writing() as session:
        told = {"model_version": None, "classified": 0, "progress_age": None}
        workers.beat(session, name="w", lent_to=7, **told)  # type: ignore[arg-type]
    assert "run 7 has the card" in why_stalled(database)
