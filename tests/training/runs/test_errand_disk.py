"""A run whose disk is full fails with a line that says what to do."""

from pathlib import Path

import pytest

from classifier.model.bases.entries import STAND_IN
from core.settings import Settings
from db import Database
from tests.support.full_disk import files_up_to
from tests.support.llm import RECIPE, themed_samples
from tests.support.training_runs import (
    ask_for_run,
    registered,
    run_of,
    versions_in,
    work_off,
)

_LIMIT = 100_000  # bytes: less than a checkpoint has


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # no file of ours
def test_a_full_disk_fails_a_run_with_a_line_that_says_what_to_do(
    database: Database, tmp_path: Path
) -> None:
    # Given a run that leaves checkpoints, and files that may not grow to the size of one
    settings = Settings(home=tmp_path / "home", heartbeat=0.1, checkpoint=0)
    wish = {"base": STAND_IN, "recipe": RECIPE, "error_target": 1.0}
    run_id = ask_for_run(database, settings, themed_samples(), "llm", **wish)

    with files_up_to(_LIMIT):
        work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert run.state == "failed"
    assert "the disk is full, or a file may not grow" in (run.error or "")
    assert str(settings.resolved_home) in (run.error or "")
    assert registered(database) == []
    assert versions_in(settings) == [".run-1"]
