"""The program of a run's process: alone at work, and gone with its trainer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import Settings
from db import Database, runs
from db.claims import new_token
from tests.support.llm import themed_samples
from tests.support.processes import wait_until
from tests.support.training_runs import ask_for_run, registered, run_of
from training.runs import child
from training.runs.workplace import Workplace


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(home=tmp_path / "home", database_url=database_url)


def leased(database: Database, settings: Settings) -> tuple[int, str]:
    run_id, token = ask_for_run(database, settings, themed_samples()), new_token()
    with database.writing() as session:
        assert runs.lease(session, token=token, holder="t", device="cpu", seconds=60)
    return run_id, token


def command(run_id: int) -> list[str]:
    return [sys.executable, "-m", "training.runs.child", str(run_id)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # test_errand.py has both
def test_a_process_works_its_run_off(database: Database, settings: Settings) -> None:
    run_id, token = leased(database, settings)

    done = subprocess.run(
        command(run_id),
        input=f"{token}\n".encode(),
        env=os.environ | settings.as_environment(),
        check=False,
        timeout=120,
    )

    assert done.returncode == 0
    run = run_of(database, run_id)
    assert run.state == "done"
    assert registered(database) == [run.version]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_run_that_needs_a_library_which_is_not_installed_fails_at_once_and_names_it(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    # Given a machine without numpy
    run_id, token = leased(database, settings)
    (tmp_path / "numpy.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')"
    )
    found = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    done = subprocess.run(
        command(run_id),
        input=f"{token}\n".encode(),
        env=os.environ | settings.as_environment() | {"PYTHONPATH": found},
        check=False,
        timeout=120,
    )

    assert done.returncode == 0
    run = run_of(database, run_id)
    assert (run.state, run.deaths) == ("failed", 0)
    assert "this needs numpy, which is not installed where the trainer runs" in (run.error or "")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_second_process_does_not_work_on_the_same_run(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, _ = leased(database, settings)
    monkeypatch.setattr(child, "_WAIT_FOR_PREDECESSOR_S", 0.0)

    with Workplace(settings, run_id).lock():
        assert not child._is_alone(Workplace(settings, run_id).lock())


def test_a_process_whose_parent_is_gone_ends(tmp_path: Path) -> None:
    # Given a process of a shell that ends before it
    script = (
        "import os, time; from training.runs import child; child._end_with_parent(); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    shell = subprocess.Popen(
        ["sh", "-c", f'"{sys.executable}" -c "$SCRIPT" & sleep 60'],
        env=os.environ | {"SCRIPT": script},
        start_new_session=True,
    )
    pid_file = tmp_path / "pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text() != "", 30, "the process")

    shell.kill()
    shell.wait()

    pid = int(pid_file.read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 30, "its end")
