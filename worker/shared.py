"""What a worker's parent and its child tell each other: a few numbers in shared memory.

They have no lock, which a process that is killed would leave taken. One process writes each number.
"""

import ctypes
import multiprocessing


class Shared(ctypes.Structure):
    """The numbers.

    Attributes:
        stopping: 1 once the parent was told to stop; read in the child between two batches.
        reconnect: 1 where the child asks the parent to connect to Redis anew.
        dropped: messages that were no task, since the parent started.
        refused_at: when (monotonic seconds) Redis last refused to hand a message out.
    """

    _fields_ = (
        ("stopping", ctypes.c_byte),
        ("reconnect", ctypes.c_byte),
        ("dropped", ctypes.c_uint64),
        ("refused_at", ctypes.c_double),
    )
    stopping: int
    reconnect: int
    dropped: int
    refused_at: float


def make_shared() -> Shared:
    """Return numbers that a process forked from this one shares with it."""
    made: Shared = multiprocessing.get_context("fork").RawValue(Shared)
    return made
