"""A part of the stack: it is started again after it died, and ends when it must."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import StorageError
from paidan.embedded.part import Part
from tests.support.processes import wait_until

STUBBORN = "import signal, time; signal.signal(15, 1); print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def parts() -> Iterator[list[Part]]:
    started: list[Part] = []
    yield started
    for part in started:
        part.kill()


def start(parts: list[Part], code: str, logs: Path, umask: int = -1) -> Part:
    parts.append(Part("part", [sys.executable, "-c", code], os.environ, logs, umask))
    return parts[-1]


def test_what_died_runs_again_a_second_later(parts: list[Part], tmp_path: Path) -> None:
    part = start(parts, "print('began', flush=True)", tmp_path)
    wait_until(lambda: part.exit_code() is not None, 20, "it died")

    part.mend()
    assert (tmp_path / "part.log").read_text() == "began\n"  # not at once
    time.sleep(1.0)
    part.mend()

    wait_until(lambda: part.exit_code() is not None, 20, "it died again")
    assert (tmp_path / "part.log").read_text() == "began\nbegan\n"


def test_what_does_not_stop_in_time_is_killed(parts: list[Part], tmp_path: Path) -> None:
    part = start(parts, STUBBORN, tmp_path)
    wait_until(lambda: "ready" in (tmp_path / "part.log").read_text(), 20, "it ignores SIGTERM")

    part.end(time.monotonic() + 0.2)

    assert part.exit_code() == -9


def test_files_are_made_with_the_given_umask(parts: list[Part], tmp_path: Path) -> None:
    made = tmp_path / "made"
    part = start(parts, f"open({str(made)!r}, 'w')", tmp_path, umask=0o077)

    wait_until(lambda: part.exit_code() == 0, 20, "it is done")

    assert made.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")

    with pytest.raises(StorageError, match="cannot write logs to"):
        Part("part", ["true"], {}, tmp_path / "logs")
