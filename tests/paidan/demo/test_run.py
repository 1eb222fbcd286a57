"""``paidan demo`` as a process: it leaves none behind. ``make demo`` runs it to its end."""

import signal
import time
from pathlib import Path

import pytest

from tests.support.launched import Launch, processes_of
from tests.support.processes import wait_until

pytestmark = pytest.mark.kill


@pytest.mark.parametrize("stage", [0.0, 0.2, "starting", "training", "run 1: step"])
def test_an_interrupted_demo_leaves_no_process_behind(
    stack_home: Path, launch: Launch, stage: float | str
) -> None:
    # Given a demo that has come to a certain stage
    demo = launch("demo", "--home", str(stack_home), "--tickets", "100")
    if isinstance(stage, str):
        demo.await_output(stage, within=110)
    else:
        time.sleep(stage)

    # When it is interrupted
    code = demo.stop()

    # Then it says so with its exit code, and nothing runs on
    assert code in (130, -signal.SIGINT, 1)
    wait_until(lambda: not processes_of(stack_home), 10, "every part has ended")
