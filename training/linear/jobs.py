"""Runs what does not depend on each other in several processes."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import TypeVar

from joblib import Parallel, cpu_count, delayed

from core.process import die_with_parent

Result = TypeVar("Result")

# A process takes a second to start, and as much memory as the data it is given.
PARALLEL_FROM = 2_000
MOST_PROCESSES = 4
_IDLE_S = 30  # then a process ends; joblib's own would live for five minutes, with all its memory


def processes_for(samples: int) -> int:
    """Return in how many processes a training on so many samples runs."""
    return 1 if samples < PARALLEL_FROM else min(cpu_count(), MOST_PROCESSES)


def run_jobs(jobs: Sequence[Callable[[], Result]], processes: int) -> list[Result]:
    """Return each job's result, in their order.

    Args:
        jobs: with more than one process, what pickle can send there.
        processes: 1 runs them here, one after the other.
    """
    if processes == 1 or len(jobs) == 1:
        return [job() for job in jobs]
    # A training that is killed leaves no process behind.
    with_parent = {"initializer": die_with_parent, "initargs": (signal.SIGKILL, os.getpid())}
    parallel = Parallel(n_jobs=processes, idle_worker_timeout=_IDLE_S, **with_parent)
    results: list[Result] = parallel(delayed(job)() for job in jobs)
    return results
