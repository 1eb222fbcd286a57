"""Runs what does not depend on each other in several processes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from joblib import Parallel, cpu_count, delayed

Result = TypeVar("Result")

# A process takes a second to start, and as much memory as the data it is given.
PARALLEL_FROM = 2_000
MOST_PROCESSES = 4


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
    results: list[Result] = Parallel(n_jobs=processes)(delayed(job)() for job in jobs)
    return results
