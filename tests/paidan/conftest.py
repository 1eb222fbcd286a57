"""Fixtures: commands that run as processes of their own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.launched import Launch, Launched, processes_of


@pytest.fixture
def stack_home(tmp_path: Path) -> Path:
    return tmp_path / "stack"


@pytest.fixture
def launch(stack_home: Path) -> Iterator[Launch]:
    """Start commands on ``stack_home``; what a failing test leaves running is killed."""
    launched: list[Launched] = []

    def start(*arguments: str) -> Launched:
        launched.append(Launched(stack_home, *arguments))
        return launched[-1]

    yield start
    for process in processes_of(stack_home):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for each in launched:
        each.popen.wait(10)
