"""``paidan demo`` as a process: it leaves none behind. ``make demo`` runs it to its end."""

import contextlib
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.support.launched import Launch, processes_of
from tests.support.processes import wait_until

pytestmark = pytest.mark.kill

RUN = "training.runs.child"


@pytest.mark.parametrize("stage", [0.0, 0.2, "starting", "training", RUN])
def test_an_interrupted_demo_leaves_no_process_behind(
    stack_home: Path, launch: Launch, stage: float | str
) -> None:
    # Given a demo that has come to a certain stage
    demo = launch("demo", "--home", str(stack_home), "--tickets", "100")
    if stage == RUN:
        wait_until(lambda: is_training(stack_home), 110, "a run at work")
    elif isinstance(stage, str):
        demo.await_output(stage, within=110)
    else:
        time.sleep(stage)

    # When it is interrupted
    code = demo.stop()

    # Then it says so with its exit code, and nothing runs on
    assert code in (130, -signal.SIGINT, 1)
    wait_until(lambda: not processes_of(stack_home), 10, "every part has ended")


def is_training(home: Path) -> bool:
    for process in processes_of(home):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if RUN in process.cmdline():
                return True
    return False
