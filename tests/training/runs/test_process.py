"""A run's process: it gets the settings and the token, and its whole group ends with it."""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.settings import Settings
from tests.support.processes import wait_until
from training.runs import process
from training.runs.process import RunProcess, how_it_ended


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], RunProcess]:
    """Start a program of the test's own in the place of the child's."""

    def started(source: str) -> RunProcess:
        (tmp_path / "program.py").write_text(textwrap.dedent(source))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(process, "_PROGRAM", "program")
        return RunProcess(
            Settings(home=tmp_path / "home", heartbeat=7), 7, "the token", tmp_path / "tmp"
        )

    return started


def wait_for(path: Path) -> str:
    wait_until(lambda: path.exists() and path.read_text() != "", 20, path.name)
    return path.read_text()


def wait_for_code(running: RunProcess) -> int:
    wait_until(lambda: running.exit_code() is not None, 20, "the end")
    code = running.exit_code()
    assert code is not None
    return code


def test_it_gets_run_token_and_settings_and_no_library_may_tell(
    start: Callable[[str], RunProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAIDAN_HEARTBEAT", "99")
    monkeypatch.setenv("WANDB_MODE", "dryrun")  # an operator's own word counts

    running = start(
        """
        import os, sys
        names = "PAIDAN_HOME PAIDAN_HEARTBEAT TMPDIR HF_HUB_OFFLINE DO_NOT_TRACK WANDB_MODE"
        told = [sys.argv[1], sys.stdin.readline().strip(), *map(os.environ.get, names.split())]
        open(os.path.join(os.path.dirname(__file__), "told"), "w").write("|".join(told))
        """
    )

    assert wait_for_code(running) == 0
    assert (tmp_path / "told").read_text().split("|") == [
        "7",
        "the token",
        str(tmp_path / "home"),
        "7.0",
        str(tmp_path / "tmp"),
        "1",
        "1",
        "dryrun",
    ]


@pytest.mark.parametrize("how", ["end", "death"])
def test_what_it_started_ends_with_it(
    start: Callable[[str], RunProcess], tmp_path: Path, how: str
) -> None:
    running = start(
        f"""
        import subprocess, sys, time
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(tmp_path / "pid")!r}, "w").write(str(helper.pid))
        time.sleep(60)
        """
    )
    helper = psutil.Process(int(wait_for(tmp_path / "pid")))

    if how == "end":
        running.end()
    else:
        os.kill(running.pid, signal.SIGKILL)

    assert wait_for_code(running) == -signal.SIGKILL
    wait_until(
        lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE, 20, "its end"
    )


def test_a_paused_process_stands_still_until_it_goes_on(
    start: Callable[[str], RunProcess], tmp_path: Path
) -> None:
    running = start(
        f"""
        import time
        for n in range(10_000):
            open({str(tmp_path / "count")!r}, "w").write(str(n))
            time.sleep(0.01)
        """
    )
    wait_for(tmp_path / "count")

    running.pause()
    running.pause()
    wait_until(lambda: psutil.Process(running.pid).status() == "stopped", 20, "the pause")
    before = (tmp_path / "count").read_text()
    time.sleep(0.2)
    assert (tmp_path / "count").read_text() == before

    running.go_on()
    running.go_on()
    wait_until(lambda: (tmp_path / "count").read_text() not in ("", before), 20, "going on")
    running.end()


def test_a_process_that_dies_at_once_is_no_error_here(
    start: Callable[[str], RunProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert wait_for_code(start("")) == 1


def test_an_end_is_told_in_words() -> None:
    assert how_it_ended(-9) == "its process was ended by signal 9 (SIGKILL)"
    assert how_it_ended(3) == "its process ended with exit code 3 and told no outcome"
