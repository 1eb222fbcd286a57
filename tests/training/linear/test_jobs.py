"""Jobs give their results in order, in this process or in others."""

import os
import subprocess
import sys
from functools import partial
from threading import Thread

import psutil
import pytest

from tests.support.processes import wait_until
from training.linear.jobs import PARALLEL_FROM, processes_for, run_jobs


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_jobs(processes: int) -> None:
    jobs = [partial(divmod, number, 2) for number in range(5)]

    assert run_jobs(jobs, processes) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]


def test_few_samples_stay_in_this_process() -> None:
    assert processes_for(PARALLEL_FROM - 1) == 1
    assert processes_for(PARALLEL_FROM) >= 1
    assert run_jobs([os.getpid] * 2, processes_for(1)) == [os.getpid()] * 2


PROGRAM = """
import os, time
from training.linear.jobs import run_jobs
print(*set(run_jobs([os.getpid] * 8, 2)), flush=True)
time.sleep(100)
"""


def test_its_processes_end_with_the_one_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        assert program.stdout is not None
        working = [psutil.Process(int(pid)) for pid in program.stdout.readline().split()]
        assert all(one.is_running() for one in working)

        program.kill()

    wait_until(lambda: not any(is_at_work(one) for one in working), 20, "they end")


def is_at_work(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


def test_processes_that_a_thread_started_serve_when_it_has_ended() -> None:
    found: list[tuple[int, int]] = []
    jobs = [partial(divmod, 5, 2)] * 4
    thread = Thread(target=lambda: found.extend(run_jobs(jobs, 2)))
    thread.start()
    thread.join()

    assert found == run_jobs(jobs, 2) == [(2, 1)] * 4
