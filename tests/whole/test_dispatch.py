"""The delivery contract under any order of events, against a model of it, on both databases.

Hypothesis chooses what happens next: submits, claims, answers, faults, expiries and late answers,
crashes, corrections, returns, sweeps, lost and doubled messages. After each step the record must
say what ``tests/whole/dispatch/model.py`` says; at the end everything that waits must get done.
``HYPOTHESIS_PROFILE=long`` looks for longer.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import event, text

from core.settings import Settings
from db import Database
from tests.support.make import add_units, promote_constant
from tests.whole.dispatch.machine import Dispatch
from tests.whole.dispatch.model import MAX_ATTEMPTS
from tests.whole.dispatch.producing import MOST

# The quick one reports what it finds as it is: making it small takes minutes.
PROFILES = {
    "quick": hypothesis_settings(
        max_examples=20, stateful_step_count=40, derandomize=True, phases=[Phase.generate]
    ),
    "long": hypothesis_settings(
        max_examples=2000, stateful_step_count=80, phases=[Phase.generate, Phase.shrink]
    ),
}
_SERVER_SHARE = 0.4  # of the examples on a server, where each takes longer


def test_any_order_of_events_leaves_the_record_as_the_contract_says(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Given units and two versions; when anything happens in any order; then see ``Dispatch``."""
    settings = Settings(
        home=tmp_path / "home",
        database_url=database_url,
        redis_url=redis_url,
        max_attempts=MAX_ATTEMPTS,
        max_batch=MOST,
    )
    empty = Database(database_url)
    add_units(empty)
    versions = [
        promote_constant(empty, settings.resolved_models_dir, answers)
        for answers in (("A", "A", "B"), ("B", "B", "A"))
    ]
    empty.engine.dispose()
    profile = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "quick")]
    share = 1 if database_url.startswith("sqlite") else _SERVER_SHARE
    run_state_machine_as_test(
        lambda: Dispatch(_emptied(database_url, tmp_path), settings, versions),
        settings=hypothesis_settings(
            profile,
            max_examples=int(profile.max_examples * share),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _quick(url: str) -> Database:
    """Open a database that does not wait for the disk: nobody cuts the power here."""
    database = Database(url)

    @event.listens_for(database.engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        is_sqlite = url.startswith("sqlite")
        connection.execute(
            "PRAGMA synchronous = OFF" if is_sqlite else "SET synchronous_commit = off"
        )
        connection.commit()

    return database


def _emptied(url: str, folder: Path) -> Database:
    """Return the database without tickets: each example begins anew."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        template = folder / "template.db"
        if not template.exists():
            shutil.copy(path, template)
        for rest in ("-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        shutil.copy(template, path)
        return _quick(url)
    database = _quick(url)
    with database.writing() as session:
        tables = "tickets, classifications, corrections, events, workers"
        session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return database
