"""How a trainer starts and stops: one of a name, with or without its servers."""

import subprocess
import sys
from pathlib import Path

import pytest

from core import process
from core.errors import AlreadyRunningError
from core.process import RoleLock
from core.settings import Settings
from db import Database
from tests.support.llm import themed_samples
from tests.support.processes import wait_until
from tests.support.training_runs import ask_for_run, left_in_home, quick, trainer, wait_for_end
from training.runs.main import run_trainer


def test_a_name_that_lives_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "WAIT_FOR_PREDECESSOR_S", 0.0)
    settings = Settings(home=tmp_path, trainer_name="t")

    with (
        RoleLock(tmp_path / "run" / "t.lock", "trainer 't'"),
        pytest.raises(AlreadyRunningError, match="PAIDAN_TRAINER_NAME"),
    ):
        run_trainer(settings, "cpu")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_redis_a_trainer_finds_runs_by_itself_and_stops_when_told(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    settings = quick(
        Settings(home=tmp_path / "home", database_url=database_url),
        redis_url="redis://127.0.0.1:1/0",
    )
    with trainer(settings, tmp_path / "log") as process:
        run_id = ask_for_run(database, settings, themed_samples())
        run = wait_for_end(database, run_id)
        wait_until(lambda: left_in_home(settings) == [], 20, "nothing is left")

        assert process.popen is not None
        process.popen.terminate()
        code = process.popen.wait(settings.stop_grace)

    assert (run.state, run.holder, code) == ("done", None, 0)


def test_a_trainer_itself_loads_neither_torch_nor_scikit_learn() -> None:
    program = (
        "import sys, training.tasks, training.runs.main; "
        "print(sorted({'torch', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == "[]"
