"""Jobs give their results in order, in this process or in others."""

import os
from functools import partial

import pytest

from training.linear.jobs import PARALLEL_FROM, processes_for, run_jobs


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_jobs(processes: int) -> None:
    jobs = [partial(divmod, number, 2) for number in range(5)]

    assert run_jobs(jobs, processes) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]


def test_few_samples_stay_in_this_process() -> None:
    assert processes_for(PARALLEL_FROM - 1) == 1
    assert processes_for(PARALLEL_FROM) >= 1
    assert run_jobs([os.getpid] * 2, processes_for(1)) == [os.getpid()] * 2
